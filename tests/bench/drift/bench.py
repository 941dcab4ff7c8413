"""From a change by hand to its being put back."""
import time
from collections.abc import Iterator

from lib_bench.arrival import Arrival
from lib_bench.figure import Figure
from lib_bench.scene import Scene, median_ms, scaled

HEALS = 50


def heal(scene: Scene, number: int) -> float:
    """Seconds from the write into a managed file to the rename that puts it back."""
    path = scene.place(number)
    before = path.read_text()
    with Arrival(path) as arrival:
        begin = time.monotonic()
        with open(path, "w") as file:
            file.write("by hand\n")
        healed = arrival.wait(scene.daemon.program.running) - begin
    if path.read_text() != before:
        raise AssertionError(f"{path} was not put back")
    return healed


def drift(_) -> Iterator[Figure]:
    """drift to healed, p50 of 50 changes by hand among 50 and 1,000 files, another file each time"""
    heals = scaled(HEALS)
    for count in (heals, scaled(1000, heals)):
        with Scene().start() as scene:
            scene.declare(count)
            took = []
            for number in range(heals):
                # A person does not follow the last heal at once; what it left to do is over.
                time.sleep(0.2)
                took.append(heal(scene, number))
        yield Figure(f"drift to healed, 1 of {count:,}, p50", median_ms(took), "ms", goal=20, at_most=True)
        yield Figure(f"drift to healed, 1 of {count:,}, worst", max(took) * 1000, "ms")


NAMES = {"drift": drift}
