"""A stand-in for a device on loopback: a real sshd of its own, with its own host key and port, whose commands run in a
folder of this machine with the programs of stand_in/ (see its README). Python's standard library only."""

import getpass
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

import arm

STAND_IN = pathlib.Path(__file__).resolve().parent / "stand_in"
# What /etc/nv_tegra_release says there, in its form.
RELEASES = {
    "32.7": "# R32 (release), REVISION: 7.1, GCID: 29818004, BOARD: t186ref, EABI: aarch64, DATE: Sat Feb 19 17:07:00 UTC 2022\n",
    "35.4": "# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64, DATE: Tue Aug  1 19:57:35 UTC 2023\n",
    "36.4": "# R36 (release), REVISION: 4.0, GCID: 37537400, BOARD: generic, EABI: aarch64, DATE: Fri Sep 13 04:36:44 UTC 2024\n# KERNEL_VARIANT: oot\n",
}
# /etc/nvpmodel.conf, as far as its names go.
MODES = {"32.7": "MAXN MODE_10W MODE_15W MODE_30W_ALL", "35.4": "MAXN MODE_10W MODE_15W MODE_30W_ALL", "36.4": "MAXN MODE_15W MODE_30W MODE_50W"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make_key(path):
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)
    return path.with_suffix(path.suffix + ".pub").read_text()


class Device:
    def __init__(self, launcher, release="35.4"):
        self.sshd = shutil.which("sshd") or next((p for p in ["/usr/sbin/sshd"] if os.path.exists(p)), None)
        if self.sshd is None or shutil.which("ssh") is None:
            arm.skip("no sshd or ssh (packages openssh-server, openssh-client)")
        if os.geteuid() == 0:
            os.makedirs("/run/sshd", exist_ok=True)  # sshd insists on it; as any user but root it does not
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="edet-device-"))
        self.home = self.folder / "home"
        self.home.mkdir()
        (self.folder / "etc").mkdir()
        trtexec = self.folder / "usr/src/tensorrt/bin/trtexec"
        trtexec.parent.mkdir(parents=True)
        trtexec.symlink_to(STAND_IN / "trtexec")
        self.set_launcher(launcher)
        self.set_release(release)
        self.port = free_port()
        self.server = None
        self.host_key = make_key(self.folder / "host_key")
        (self.folder / "authorized").write_text(make_key(self.folder / "user_key"))
        (self.folder / "known").write_text(f"[127.0.0.1]:{self.port} {self.host_key}")
        # SHLVL: else bash reads the .bashrc of whoever runs this test, before each of a hundred commands.
        (self.folder / "sshd_config").write_text(
            f"""Port {self.port}
ListenAddress 127.0.0.1
HostKey {self.folder}/host_key
AuthorizedKeysFile {self.folder}/authorized
PidFile none
StrictModes no
UsePAM no
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
SetEnv SHLVL=2
ForceCommand {STAND_IN}/session.sh {self.folder}
"""
        )
        self.config = self.folder / "ssh_config"
        self.config.write_text(
            f"""Host device
  HostName 127.0.0.1
  Port {self.port}
  User {getpass.getuser()}
  IdentityFile {self.folder}/user_key
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {self.folder}/known
  GlobalKnownHostsFile /dev/null
"""
        )
        self.start()

    def set_release(self, release):
        (self.folder / "release").write_text(release)
        (self.folder / "etc/nv_tegra_release").write_text(RELEASES[release])
        modes = "".join(f"< POWER_MODEL ID={number} NAME={name} >\nCPU_ONLINE CORE_0 1\n\n" for number, name in enumerate(MODES[release].split()))
        (self.folder / "etc/nvpmodel.conf").write_text(modes + "< PM_CONFIG DEFAULT=3 >\n")

    def set_launcher(self, launcher):
        (self.folder / "launcher").write_text(launcher)

    def start(self):
        with open(self.folder / "sshd.log", "a") as log:
            self.server = subprocess.Popen([self.sshd, "-D", "-e", "-f", self.folder / "sshd_config"], stderr=log)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError((self.folder / "sshd.log").read_text())

    def stop(self):
        self.server.terminate()
        self.server.wait()

    def new_host_key(self):
        self.stop()
        make_key(self.folder / "host_key")
        self.start()

    def cut(self, count, how):
        (self.folder / "cut").write_text(f"{count} {how}\n")

    def commands(self):
        log = self.folder / "log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)
