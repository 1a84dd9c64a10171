"""The Python runtime, inside a function's process: call the handler, again and again.

Frames (see frames.py) come and go on two pipes; standard output and standard error are
the log. Standard library only, and what is rarely needed is imported when it is.
"""

from __future__ import annotations

import errno
import io
import json
import os
import struct
import sys
import time
from importlib.machinery import ModuleSpec, PathFinder

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without importing typing
if TYPE_CHECKING:
    import logging
    from collections.abc import Callable, Mapping, Sequence
    from types import ModuleType
    from typing import Any, BinaryIO

    Handler = Callable[[bytes, "Context"], Any]

OUT_OF_MEMORY = 137
"""Exit status after a MemoryError: what a container killed for memory shows."""

CODE = "/code"
"""Where functions see their code in stack traces, as in life."""

# Packages the real runtimes bring along, offered if this machine has them.
OFFERED = frozenset(
    {
        *("oss2", "crcmod", "aliyunsdkcore", "aliyunsdkkms", "jmespath", "Crypto"),
        *("requests", "urllib3", "certifi", "idna", "charset_normalizer", "chardet"),
        *("cryptography", "cffi", "_cffi_backend", "pycparser", "six"),
    }
)

_DIGITS = frozenset("0123456789.")
_HEAD = struct.Struct(">II")
_PAYLOAD_BYTES_MAX = 32 * 1024 * 1024


class Credentials:
    """Temporary credentials of the function's role; empty without one."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self.access_key_id = fields.get("access_key_id", "")
        self.access_key_secret = fields.get("access_key_secret", "")
        self.security_token = fields.get("security_token", "")


class FunctionMeta:
    """What ``context.function`` says."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.name = fields["name"]
        self.handler = fields["handler"]
        self.memory = fields["memory"]
        self.timeout = fields["timeout"]
        self.version_id = ""
        self.qualifier = "LATEST"


class Context:
    """The handler's second argument."""

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.request_id = fields["request_id"]
        self.region = fields["region"]
        self.account_id = fields["account_id"]
        self.credentials = Credentials(fields["credentials"] or {})
        self.function = FunctionMeta(fields["function"])
        self.log_project = ""
        self.log_store = ""
        self.retry_count = 0

    @property
    def logger(self) -> logging.Logger:
        """The root logger, writing to the function's log."""
        import logging  # noqa: PLC0415  # most functions print

        _set_up_logging(self.request_id)
        return logging.getLogger()


class HandlerError(Exception):
    """The handler cannot be found, or returned something that cannot be sent."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(message)
        self.error_type = error_type


class Offered:
    """Finds the runtime's packages in the machine's site-packages, and no others."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders

    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Find a top-level package that the runtime offers."""
        if path is None and name in OFFERED:
            return PathFinder.find_spec(name, self._folders, target)
        return None


class Runtime:
    """Reads invocations, calls the handler, answers.

    Args:
        requests: File descriptor that frames come on.
        answers: File descriptor that frames go out on.
        code: Folder of the function's code.
        name: For example ``python3.10``.
    """

    def __init__(self, requests: int, answers: int, code: str, name: str) -> None:
        self._requests: BinaryIO = os.fdopen(requests, "rb")
        self._answers: BinaryIO = os.fdopen(answers, "wb")
        self._code = code
        self._name = name
        self._handler: Handler | None = None

    def serve(self) -> None:
        """Serve invocations until the emulator closes the pipe."""
        while head := self._requests.read(_HEAD.size):
            meta_bytes, payload_bytes = _HEAD.unpack(head)
            meta = json.loads(self._requests.read(meta_bytes))
            # The handler's is the only reference: a function may drop its event.
            self._invoke(meta, self._requests.read(payload_bytes))

    def _invoke(self, meta: Mapping[str, Any], event: bytes) -> None:
        request_id = meta["request_id"]
        os.environ.update(meta["env"])
        if self._handler is None:
            _log("FunctionCompute python3 runtime inited.")
        _log(f"FC Invoke Start RequestId: {request_id}")
        self._send("started")
        try:
            payload = self._call(meta, event)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except SystemExit as error:
            os._exit(error.code if isinstance(error.code, int) else 1)
        except BaseException as error:  # noqa: BLE001  # whatever it is, it is the answer
            text = _text_of(error).replace(self._code + "/", CODE + "/")
            _log(_log_line(request_id, "ERROR", text))
            _log(
                f"FC Invoke End RequestId: {request_id}, "
                "Error: Unhandled function error"
            )
            self._send("error", json.dumps(self._report(error)).encode())
        else:
            _log(f"FC Invoke End RequestId: {request_id}")
            self._send("result", payload)

    def _call(self, meta: Mapping[str, Any], event: bytes) -> bytes:
        if self._handler is None:
            self._handler = _load(meta["function"]["handler"])
        if "logging" in sys.modules:
            _set_up_logging(meta["request_id"])
        return _encoded(self._handler(event, Context(meta)))

    def _send(self, kind: str, payload: bytes = b"") -> None:
        meta = json.dumps({"kind": kind}).encode()
        self._answers.write(_HEAD.pack(len(meta), len(payload)) + meta)
        self._answers.write(payload)
        self._answers.flush()

    def _report(self, error: BaseException) -> dict[str, Any]:
        """Return an exception as the answer's body shows it."""
        import traceback  # noqa: PLC0415  # only errors need it

        cause = error.__cause__
        if isinstance(error, HandlerError) and isinstance(cause, SyntaxError):
            return self._report_of_syntax(error, cause)
        frames = traceback.extract_tb(error.__traceback__)
        return {
            "errorMessage": str(error),
            "errorType": getattr(error, "error_type", type(error).__name__),
            "stackTrace": [
                [
                    f'File "{self._as_seen(frame.filename)}"',
                    f"line {frame.lineno}",
                    f"in {frame.name}",
                    frame.line or "",
                ]
                for frame in frames
                if frame.filename != __file__
            ],
        }

    def _report_of_syntax(
        self, error: HandlerError, cause: SyntaxError
    ) -> dict[str, Any]:
        """Return an answer's body in the form captured in 2024."""
        lines = [
            f'File "{self._as_seen(cause.filename or "")}"',
            f"line {cause.lineno}",
            (cause.text or "").strip(),
            f"{type(cause).__name__}: {cause.msg}",
        ]
        return {
            "errorMessage": str(error),
            "errorType": error.error_type,
            "stackTrace": lines,
        }

    def _as_seen(self, path: str) -> str:
        inside = path.startswith(self._code + "/")
        return CODE + path[len(self._code) :] if inside else path


def main(requests: int, answers: int, arguments: Sequence[str]) -> None:
    """Run until the emulator closes the pipe.

    Args:
        requests: File descriptor that frames come on.
        answers: File descriptor that frames go out on.
        arguments: CODE_FOLDER RUNTIME HOOK_FOLDER SITE_PACKAGES...
    """
    sys.addaudithook(_stay_inside)
    code, name, hooks, *folders = arguments
    runtime = Runtime(requests, answers, code, name)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    sys.dont_write_bytecode = True
    if hooks:
        sys.path.insert(0, hooks)
        __import__("sitecustomize")
        sys.path.remove(hooks)
    extra = [entry for entry in os.environ.get("PYTHONPATH", "").split(":") if entry]
    sys.path[:0] = [code, *extra]
    sys.meta_path.append(Offered(folders))
    runtime.serve()


def _stay_inside(event: str, arguments: tuple[Any, ...]) -> None:
    """Let no socket lead out of this machine: an audit hook.

    Only the emulator's own port is reached that way, and with it the emulated cloud; a
    name that gets as far as the system's resolver is one that the cloud does not know.
    """
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        if isinstance(address, tuple) and not _is_here(address[0]):
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
    elif event == "socket.getaddrinfo" and _is_foreign_name(arguments[0]):
        socket = sys.modules["_socket"]
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


def _is_here(host: object) -> bool:
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    return name in {None, "", "localhost", "::", "::1", "0.0.0.0"} or (  # noqa: S104  # as a name, to compare
        isinstance(name, str) and name.startswith("127.")
    )


def _is_foreign_name(host: object) -> bool:
    """Whether a host is a name to look up: no address, and not this machine's."""
    name = host.decode("ascii", "replace") if isinstance(host, bytes) else str(host)
    return not _is_here(host) and ":" not in name and not set(name) <= _DIGITS


def _load(handler: str) -> Handler:
    """Return the handler named ``module.function``."""
    path, _, name = handler.rpartition(".")
    module = path.replace("/", ".")
    try:
        __import__(module)
    except SyntaxError as error:
        raise HandlerError(
            "UserCodeSyntaxError", f"Syntax error in module '{module}'"
        ) from error
    except Exception as error:
        raise HandlerError(
            "ImportModuleError", f"Unable to import module '{module}': {error}"
        ) from error
    found: Handler | None = getattr(sys.modules[module], name, None)
    if found is None or not callable(found):
        raise HandlerError(
            "HandlerNotFound", f"Handler '{name}' is missing on module '{module}'"
        )
    return found


def _encoded(result: object) -> bytes:
    """Return a handler's result as bytes."""
    if isinstance(result, bytes | bytearray | memoryview):
        payload = bytes(result)
    elif isinstance(result, str):
        payload = result.encode()
    else:
        try:
            payload = json.dumps(result).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise HandlerError("ResultNotJSON", str(error)) from error
    if len(payload) > _PAYLOAD_BYTES_MAX:
        raise HandlerError(
            "ResponseTooLarge",
            f"response exceeds maximum allowed size ({_PAYLOAD_BYTES_MAX} bytes)",
        )
    return payload


def _text_of(error: BaseException) -> str:
    import traceback  # noqa: PLC0415  # only errors need it

    return "".join(traceback.format_exception(error)).rstrip()


def _set_up_logging(request_id: str) -> None:
    """Have the root logger write lines in the runtime's form."""
    import logging  # noqa: PLC0415  # most functions print

    class Form(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            text = record.getMessage()
            if record.exc_info:
                text += "\n" + self.formatException(record.exc_info)
            return _log_line(request_id, record.levelname, text)

    root = logging.getLogger()
    handler = next((h for h in root.handlers if h.get_name() == "fc"), None)
    if handler is None:
        handler = logging.StreamHandler(sys.stdout)
        handler.set_name("fc")
        root.addHandler(handler)
        root.setLevel(logging.INFO)
    handler.setFormatter(Form())


def _log_line(request_id: str, level: str, text: str) -> str:
    now = time.time()
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now))
    return f"{stamp}.{int(now * 1000) % 1000:03d}Z {request_id} [{level}] {text}"


def _log(line: str) -> None:
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(2, line.encode(errors="backslashreplace") + b"\n")
