"""The words of --help: by command, "" being the publication itself."""

from collections.abc import Mapping
from typing import Final

COMMANDS: Final = {
    "check": "see whether a publication can work",
    "list": "see which images are where",
    "prune": "deprecate and delete older versions",
    "cleanup": "remove leftovers",
    "inspect": "see what image files contain",
    "help": "explain a command",
    "completion": "complete commands and flags in a shell",
}

USAGE: Final = """\
ali-import [FLAG]... IMAGE...
       ali-import COMMAND [FLAG]..."""

_REPEATED: Final = "* may be repeated"
_LISTED: Final = "\n".join(f"  {name:<12} {each}" for name, each in COMMANDS.items())

_PUBLISH: Final = """\
Publish bootable disk images to every Alibaba Cloud region: each IMAGE becomes
an ECS custom image in each region. Run again after any failure."""

_PUBLISH_MORE: Final = f"""\
commands (only as the first argument):
{_LISTED}

examples:
  ali-import disk.img                              every region, private
  ali-import -p -n demo-1 -f demo a.img b.img      two images, public
  ali-import -c release.toml --set version=1       as a file says
  ali-import check --public                        is the account ready?

{_REPEATED}; `ali-import help publish` tells all: routes, output, statuses"""

MANUAL: Final = """\
ali-import [FLAG]... IMAGE...

Each IMAGE becomes one ECS custom image in each region. How it boots is found in
the file: with EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI it boots from UEFI, and its
name and family get the suffix -uefi-x86-64, -uefi-arm64 or (both) -uefi-multi;
without, it boots from BIOS on x86-64, and there is no suffix.

The image gets into a region by the first of these routes that the cloud allows:
  direct  upload to a temporary bucket in the region, and import
  relay   the same, through a small function that runs inside the region
  copy    copy the image from a region that has it

Images that are there already, with the same content, are left as they are:
after any failure, run the same command again. Each run removes the temporary
buckets, functions and images that it makes.

`ali-import --help` lists the flags. Of these:
  -n, -f      name and family before the suffix; YYYYMMDD is the date in UTC
  -c, --set   the file's keys are the flags, and flags win (docs/commands.md);
              --no- turns a switch off, for example --no-public
  -p          makes community images, which every account can use
  --share, --tag, --description, --imds, --nvme
              settings of the images; what these flags or -p do not name is
              left as it is. --no-public hides only images that ali-import
              made public. Switching to IMDS v2 cannot be undone
  --timeout   a plain number is seconds
  --report    FORMAT is json, images, tfvars, md, html or github-output, or
              follows from the suffix; FORMAT:- writes it to standard output
              instead of the result lines (docs/reports.md)
  --sha256    FILE=HEX, or a list of checksums such as SHA256SUMS: every IMAGE
              then needs one, and nothing is published unless all are right
  --boot-mode, --architecture
              override what is found; uefi-preferred is set on images that this
              run makes, once they are imported
  --as        qcow2: compressed during the upload, without disk space
  --          everything after it is a file; ./list is a file called list

examples:
  ali-import ipxe.usb                      every region, private
  ali-import -p -n ipxe-1.21 bios.img x64.img arm64.img
                                           three images, public, in every region
  ali-import -r cn-hangzhou -r eu-central-1 disk.img
                                           two regions only
  ali-import --report run.json --report run.html disk.img
                                           for programs, and for people
  xzcat disk.img.xz | ali-import -n demo-1 -
                                           from a pipe (or name disk.img.xz)
  ali-import -c release.toml --set version=20261125
                                           the images that the file describes

output: standard output gets one line for each published image,
  REGION NAME (FAMILY) IMAGE_ID
by region, then by image; everything else goes to standard error. With --plan,
each line ends with keep ID, make, mend ID WHAT=..., replace ID, or blocked WHY.

environment:
  ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET,
  ALIBABA_CLOUD_SECURITY_TOKEN             credentials; without them, these are
      tried: OIDC (ALIBABA_CLOUD_ROLE_ARN, ...), the profile in
      ~/.aliyun/config.json, the credentials file, the instance's RAM role
  HTTPS_PROXY, NO_PROXY                    how to reach the cloud
  SSL_CERT_FILE, REQUESTS_CA_BUNDLE        which certificates to trust
  TMPDIR                                   where compressed images are unpacked
  NO_COLOR                                 no colours
  GITHUB_ACTIONS=true                      each cause of failures also becomes
                                           an annotation

exit status:
  0    every image is published in every region (but for --allow-failure)
  2    wrong usage, input or set-up; nothing was changed
  3    some failed
  4    all failed, or an internal error (-vv shows the traceback)
  5    with --plan: something is not as wanted
  130  interrupted; the first Ctrl-C cleans up, the second stops at once"""

_INSPECT: Final = """\
Show what disk images contain and how they would be published: format, size,
data, partitions, what boots, and anything to know before they are published.
It reads little of each file, and makes no call to the cloud."""

_INSPECT_MORE: Final = """\
examples:
  ali-import inspect disk.qcow2
  ali-import inspect --json *.img

output: standard output gets some lines for each file or, with --json, one
document (see docs/images.md); files that are not disk images are errors.

exit status:
  0    every file can be published
  2    some file cannot be published, or wrong usage
  130  interrupted"""

_CLEANUP: Final = """\
List what stopped runs of ali-import left behind in all regions, and remove what
has expired: buckets with their objects and unfinished uploads, functions,
temporary images, snapshots. Published images, and everything that ali-import
did not make, stay.

Everything temporary has an expiry time (its lease). Before that time, its run
may be in progress and need it; --all removes it nevertheless."""

_CLEANUP_MORE: Final = """\
examples:
  ali-import cleanup                       list all, remove what has expired
  ali-import cleanup --all                 remove all, after asking

output: standard output gets one line for each thing found,
  REGION KIND NAME STATE
where STATE is expired, in-use (its run may be in progress) or unknown.

exit status:
  0    everything that was to be removed is gone
  2    wrong usage or set-up; nothing was changed
  3    something could not be removed, or some regions could not be asked
  4    nothing could be removed, or an internal error
  130  interrupted; the first Ctrl-C removes what cleaning up has made, the
       second stops at once; run it again"""

_LIST: Final = """\
List the images in all regions, or in some, and change nothing.

A version is all images of one release; its name is theirs without the suffixes
of their flavours (-uefi-x86-64 and so on). Each version is one line, followed
by what is missing or different, and where."""

_LIST_MORE: Final = f"""\
{_REPEATED}

examples:
  ali-import list                          everything that ali-import made
  ali-import list -f debian-13             one family, newest version first
  ali-import list -n 'ipxe-2026*' -r cn-hangzhou
  ali-import list --json | jq -r '.images[] | .region + " " + .image_id'

exit status:
  0    every region answered, even if it has no image
  2    wrong usage or set-up
  3    some regions could not be asked
  4    no region could be asked, or an internal error (-vv shows the traceback)
  130  interrupted"""

_PRUNE: Final = """\
Deprecate all but the newest versions of a family, and delete them later.

A version is all images of one release, of every flavour; it is as old as its
first image. The image that a family resolves to in a region stays there, and so
does one that an instance of this account uses. Instances of other accounts
cannot be seen: leave their owners time between deprecating and deleting."""

_PRUNE_MORE: Final = f"""\
{_REPEATED}

examples:
  ali-import prune -f debian-13 --keep 8 --deprecate --delete-after 90d --plan
  ali-import prune -c release.toml -y      as the file's table [prune] says

output: standard output gets one line for each image of an older version that is
changed, or that stays for a special reason,
  REGION NAME (FAMILY) ID deprecate|deprecated|delete|deleted|keep|failed WHY

exit status:
  0    everything that was due is done, or nothing was due
  2    wrong usage or set-up; nothing was changed
  3    something was refused, or some regions could not be asked
  4    nothing could be done, or an internal error
  5    with --plan: something is due
  130  interrupted; run it again to continue"""

CHECK_USAGE: Final = """\
ali-import check [--policy | --trust PROJECT | --fix [-y]]
                        [-c FILE.toml] [-p] [-r REGION]... [FLAG]..."""

_CHECK: Final = """\
Check whether a publication can work: the credentials, the regions, the role
that imports need, object storage, functions, public images, permissions.
Nothing is changed; only --fix creates or repairs the import role."""

_CHECK_MORE: Final = f"""\
{_REPEATED}

examples:
  ali-import check --public
  ali-import check -c release.toml --set version=1
  ali-import check --fix                   create the import role, after asking
  ali-import check --policy -p -r eu-central-1 > policy.json
  ali-import check --trust github:my-org/my-repo

output: one line for each check, beginning with ok, warn, fail or unknown.

exit status:
  0    nothing fails
  2    wrong usage
  3    something will fail; its line says what to do
  4    the credentials are not accepted, or an internal error
  130  interrupted"""

_HELP: Final = "Explain a command; without one, list the commands and the flags."

_HELP_MORE: Final = """\
examples:
  ali-import help publish
  ali-import help prune

exit status:
  0    the explanation was printed
  2    there is no such command"""

_COMPLETION: Final = """\
Print a completion script for a shell: it completes commands and flags."""

_COMPLETION_MORE: Final = """\
examples:
  ali-import completion bash >> ~/.bash_completion
  ali-import completion zsh > ~/.zfunc/_ali-import     (a directory of fpath)
  ali-import completion fish > ~/.config/fish/completions/ali-import.fish

exit status:
  0    the script was printed
  2    wrong usage"""

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "": _PUBLISH,
    "check": _CHECK,
    "list": _LIST,
    "prune": _PRUNE,
    "cleanup": _CLEANUP,
    "inspect": _INSPECT,
    "help": _HELP,
    "completion": _COMPLETION,
}
EPILOGS: Final[Mapping[str, str]] = {
    "": _PUBLISH_MORE,
    "check": _CHECK_MORE,
    "list": _LIST_MORE,
    "prune": _PRUNE_MORE,
    "cleanup": _CLEANUP_MORE,
    "inspect": _INSPECT_MORE,
    "help": _HELP_MORE,
    "completion": _COMPLETION_MORE,
}
