import subprocess
import sys
from dataclasses import replace

from affectgpt.dataset.holder import Holder

SHOW = "from affectgpt.dataset.holder import Holder; print(Holder.this_process().to_json(), flush=True); input()"


def test_a_process_is_known_to_live_and_to_have_ended() -> None:
    other = subprocess.Popen([sys.executable, "-c", SHOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    holder = Holder.from_json(other.stdout.readline())
    assert holder.process == other.pid
    assert holder.is_here and not holder.is_gone
    assert replace(holder, started="1").is_gone, "another process of the same number"
    other.kill()
    # Nobody has asked for its exit status yet: it is a zombie.
    while not holder.is_gone:
        assert other.returncode is None
    other.wait()
    assert holder.is_gone


def test_of_a_process_elsewhere_nothing_is_known() -> None:
    holder = replace(Holder.this_process(), machine="another boot/pid:[1]", process=0)
    assert not holder.is_here and not holder.is_gone


def test_holders_differ_and_can_be_read_again() -> None:
    one, two = Holder.this_process(), Holder.this_process()
    assert one != two
    assert Holder.from_json(one.to_json()) == one
    assert str(one).startswith(f"process {one.process} of {one.user} on {one.host}, since 20")
