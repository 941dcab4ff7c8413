"""One figure of a benchmark: ours beside the peer's or the limit's from the same run."""
import json
from dataclasses import dataclass


@dataclass
class Figure:
    """`goal` is what the ratio ours/peer must reach where there is a peer, else what ours must reach; at least, or at
    most where `at_most`; with `absolute`, what ours must reach although a peer stands beside. None: nothing is asked."""
    name: str
    ours: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    goal: float | None = None
    at_most: bool = False
    absolute: bool = False

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        value = self.ours if self.ratio is None or self.absolute else self.ratio
        return value <= self.goal if self.at_most else value >= self.goal

    def as_json(self) -> str:
        return json.dumps({"name": self.name, "ours": self.ours, "peer": self.peer, "unit": self.unit, "ratio": self.ratio,
                           "goal": self.goal, "met": self.met})

    def as_line(self) -> str:
        beside = f"{self.peer_name} {number(self.peer)}" if self.peer is not None else "-"
        ratio = f"{self.ratio:.2f}" if self.ratio is not None else "-"
        goal = "-" if self.goal is None else f"{'<=' if self.at_most else '>='} {number(self.goal)}"
        met = {None: "-", True: "met", False: "NOT MET"}[self.met]
        return f"{self.name:<34} {number(self.ours):>9} {self.unit:<6} {beside:<18} {ratio:>6}  {goal:<9} {met}"


def number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
