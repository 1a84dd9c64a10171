"""The words of --help: by command, "" being the publication itself."""

from collections.abc import Mapping
from typing import Final

COMMANDS: Final = {
    "check": "see whether a publication can work",
    "list": "see what stands in the cloud",
    "prune": "deprecate and delete older versions",
    "cleanup": "remove leftovers",
    "inspect": "see what files hold",
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

Each IMAGE becomes one ECS custom image in each region. What it is for is read
from the file: with EFI/BOOT/BOOTX64.EFI or BOOTAA64.EFI it boots from UEFI, and
name and family get the suffix -uefi-x86-64, -uefi-arm64 or (both) -uefi-multi;
without, it boots from BIOS on x86-64, and there is no suffix.

The bytes get into a region by the first of these routes that the cloud allows:
  direct  upload to a temporary bucket in the region, and import
  relay   the same, through a small function that runs inside the region
  copy    copy the image from a region that has it

Images that are there already, with the same content, are left as they are:
after any failure, run the same command again. What else a run makes (buckets,
functions, temporary images), it removes.

`ali-import --help` lists the flags. Of these:
  -n, -f      name and family before the suffix; the date is that of UTC
  -c, --set   the file's keys are the flags, and flags win (docs/commands.md);
              a switch is turned off with --no-, for example --no-public
  -p          makes community images, which every account can use
  --share, --tag, --description, --imds, --nvme
              what else is wanted of the images; what is not named, by these
              flags or -p, is left as it is. --no-public takes back only what
              ali-import gave. Switching to IMDS v2 cannot be undone
  --timeout   a plain number is seconds
  --report    FORMAT is json, images, tfvars, md, html or github-output, or
              follows from the suffix; FORMAT:- writes it to standard output
              instead of the result lines (docs/reports.md)
  --sha256    FILE=HEX, or a file of sums such as SHA256SUMS: every IMAGE then
              needs a sum, and nothing is published unless all are right
  --boot-mode, --architecture
              overrule what is found; uefi-preferred is set on images that this
              run makes, once they are imported
  --as        qcow2: made while it is sent, without space on disk
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
                                           what the file says should be there

output: standard output gets one line for each image that stands,
  REGION NAME (FAMILY) IMAGE_ID
in region-then-image order; everything else goes to standard error. With --plan,
each line ends with keep ID, make, mend ID WHAT=..., replace ID, or blocked WHY.

environment:
  ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET,
  ALIBABA_CLOUD_SECURITY_TOKEN             credentials; without them, the usual
      others are tried: OIDC (ALIBABA_CLOUD_ROLE_ARN, ...), the profile in
      ~/.aliyun/config.json, the credentials file, the instance's RAM role
  HTTPS_PROXY, NO_PROXY                    how to reach the cloud
  SSL_CERT_FILE, REQUESTS_CA_BUNDLE        whom to trust there
  TMPDIR                                   where compressed images are unpacked
  NO_COLOR                                 no colours
  GITHUB_ACTIONS=true                      each cause of failures becomes an
                                           annotation, too

exit status:
  0    every image stands in every region (--allow-failure regions aside)
  2    wrong usage, input or set-up; nothing was changed
  3    some failed
  4    all failed, or an error that should not happen (-vv shows the traceback)
  5    with --plan: something is not as wanted
  130  interrupted; the first Ctrl-C cleans up, the second stops at once"""

_INSPECT: Final = """\
Say what disk images hold and what they would be published as: format, size,
data, partitions, what boots, and what a publisher may want to know before every
region has it. Little of a file is read, and no region is asked."""

_INSPECT_MORE: Final = """\
examples:
  ali-import inspect disk.qcow2
  ali-import inspect --json *.img

output: standard output gets some lines for each file or, with --json, one
document (see docs/images.md); what is no disk image is told on standard error.

exit status:
  0    every file can be published
  2    one cannot, or wrong usage
  130  interrupted"""

_CLEANUP: Final = """\
List what runs of ali-import have left in all regions, and remove what has
expired: buckets with their objects and unfinished uploads, functions, temporary
images, snapshots. Published images and everything that is not ours stay.

What a run makes for a while, it makes until a certain time (its lease). Before
that the run may be going on, and --all takes its workspace away from it."""

_CLEANUP_MORE: Final = """\
examples:
  ali-import cleanup                       list all, remove what has expired
  ali-import cleanup --all                 remove all, after asking

output: standard output gets one line for each thing found,
  REGION KIND NAME STATE
where STATE is expired, in-use (its run may be going on) or unknown.

exit status:
  0    everything that was to be removed is gone
  2    wrong usage or set-up; nothing was changed
  3    some could not be removed, or some regions not be asked
  4    none could be removed, or an error that should not happen
  130  interrupted; the first Ctrl-C removes what cleaning up has made, the
       second stops at once; run it again"""

_LIST: Final = """\
List the images that stand in all regions, or in some, and change nothing.

A version is all images of one release: their names, without the suffixes of
their flavours. One that is the same everywhere is one line; below it stands
what is missing or different, and where."""

_LIST_MORE: Final = f"""\
{_REPEATED}

examples:
  ali-import list                          everything that ali-import made
  ali-import list -f debian-13             one family, newest version first
  ali-import list -n 'ipxe-2026*' -r cn-hangzhou
  ali-import list --json | jq -r '.images[] | .region + " " + .image_id'

exit status:
  0    every region told what stands there, be it nothing
  2    wrong usage or set-up
  3    some regions could not be asked
  4    none could, or an error that should not happen (-vv shows the traceback)
  130  interrupted"""

_PRUNE: Final = """\
Deprecate versions of a family but the newest, and delete them later.

A version is all images of one release, whatever their flavour; of two, that is
newer whose first image was made later. The image that a family resolves to in a
region stays there, and so does one that an instance of this account uses. Those
of other accounts cannot be seen: leave them time between the two."""

_PRUNE_MORE: Final = f"""\
{_REPEATED}

examples:
  ali-import prune -f debian-13 --keep 8 --deprecate --delete-after 90d --plan
  ali-import prune -c release.toml -y      as its table [prune] says

output: standard output gets one line for each image of an older version that
something is done about, or that stays for a reason,
  REGION NAME (FAMILY) ID deprecate|deprecated|delete|deleted|keep|failed WHY

exit status:
  0    what was due is done, be it nothing
  2    wrong usage or set-up; nothing was changed
  3    something was refused, or some regions could not be asked
  4    none of it could be done, or an error that should not happen
  5    with --plan: something is due
  130  interrupted; run it again to go on"""

CHECK_USAGE: Final = """\
ali-import check [--policy | --trust PROJECT | --fix [-y]]
                        [-c FILE.toml] [-p] [-r REGION]... [FLAG]..."""

_CHECK: Final = """\
Check whether a publication can work: the credentials, the regions, the role
that imports need, object storage, functions, public images, permissions.
Nothing is changed, but with --fix the import role."""

_CHECK_MORE: Final = f"""\
{_REPEATED}

examples:
  ali-import check --public
  ali-import check -c release.toml --set version=1
  ali-import check --fix                   create the import role, after asking
  ali-import check --policy -p -r eu-central-1 > policy.json
  ali-import check --trust github:my-org/my-repo

output: one line for each thing, beginning with ok, warn, fail or unknown.

exit status:
  0    nothing fails
  2    wrong usage
  3    something will fail; its line says what to do
  4    the credentials will not do, or an error that should not happen
  130  interrupted"""

_HELP: Final = "Explain a command; without one, list the commands and the flags."

_HELP_MORE: Final = """\
examples:
  ali-import help publish
  ali-import help prune

exit status:
  0    it is explained
  2    there is no such command"""

_COMPLETION: Final = """\
Print what makes a shell complete the commands and flags of ali-import."""

_COMPLETION_MORE: Final = """\
examples:
  ali-import completion bash >> ~/.bash_completion
  ali-import completion zsh > ~/.zfunc/_ali-import     (a directory of fpath)
  ali-import completion fish > ~/.config/fish/completions/ali-import.fish

exit status:
  0    it is printed
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
