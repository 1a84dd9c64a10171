"""A long run does not grow: what is remembered is bounded."""

from alicloud_emulator.world.recent import Recent
from alicloud_emulator.world.traffic import OTHERS, Traffic
from emulator.tests.support.image_cloud import LONDON, TOKYO, Cloud


def test_the_oldest_go_first() -> None:
    recent: Recent[int, str] = Recent(3)
    for number in range(5):
        recent[number] = str(number)
    recent[2] = "again"
    assert recent == {2: "again", 3: "3", 4: "4"}


def test_what_may_not_go_stays_however_much_there_is() -> None:
    recent: Recent[int, bool] = Recent(2, may_go=bool)
    for number in range(6):
        recent[number] = number % 2 == 0
    assert recent == {1: False, 3: False, 5: False}


def test_a_world_remembers_so_much_and_no_more() -> None:
    """Tokens of roles, replayed answers, removed images, ended tasks."""
    cloud = Cloud(limits={"images_per_region": 0})
    image_id = cloud.available()
    role = next(cloud.world.ram.people(cloud.main.account_id).roles())
    for number in range(10_100):
        cloud.world.ram.sessions.issue(
            cloud.main.account_id, role, session=f"s{number}", duration_s=900
        )
    for number in range(1100):
        copy = cloud.copy(image_id, LONDON, client_token=f"t{number}")
        cloud.ecs.cancel_copy_image(cloud.main, region=LONDON, image_id=copy)
        cloud.import_image(f"image-{number}")
    cloud.wait(1000)
    cloud.import_image("one-more")
    assert len(cloud.world.ram.sessions._by_token) == 10_000
    assert len(cloud.world.agenda._entries) < 2500
    assert len(cloud.ecs.state(TOKYO, cloud.main.account_id)["tasks"]) == 1000


def test_names_that_clients_make_up_are_counted_together() -> None:
    traffic = Traffic()
    traffic.count_call("ecs.ImportImage")
    for number in range(6000):
        traffic.count_call(f"ecs.Nothing{number}")
        traffic.count_error("ecs.Nothing", f"Code{number}")
    traffic.count_call("ecs.ImportImage")
    assert traffic.by_action["ecs.ImportImage"] == 2
    assert traffic.by_action.total() == 6002
    assert len(traffic.by_action) == len(traffic.errors) == 5001
    assert traffic.by_action[OTHERS] == 1001
