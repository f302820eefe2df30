"""Where the boxes and lines of a graph go: layers from the top down, after Sugiyama, Tagawa and Toda (1981).

1. Each node stands one layer above the highest of its consumers, so that operands are near what they're used for.
2. A line that passes a layer has a point there. All lines of one node share theirs: they run as one and branch off.
3. Barycenter sweeps order each layer to have few crossings; the best order seen counts.
4. Positions within a layer are the nearest to those of the neighbours that keep order and distances: a least squares
   problem on a chain, which pooling adjacent violators solves exactly.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from gradcli.analysis.graph import Edge

GAP_X = 22.0
GAP_Y = 34.0
MARGIN = 16.0

_SWEEPS = 24
_PLACING_SWEEPS = 32
_LARGE = 4000
"""Points from which sweeps are few: a picture of that size is searched, not read."""

_PORT = 22.0


class Box(NamedTuple):
    """A rectangle: its left upper corner and its size."""

    x: float
    y: float
    width: float
    height: float


class Line(NamedTuple):
    """A piece of a line: down from `start`, across between two heights, down to `end`; `edge` where it arrives."""

    start: tuple[float, float]
    across: tuple[float, float]
    end: tuple[float, float]
    edge: Edge | None


class Layout(NamedTuple):
    """Boxes by id, the pieces of the lines between them, and the size of it all."""

    boxes: dict[str, Box]
    lines: list[Line]
    width: float
    height: float


class _Link(NamedTuple):
    """Two points of neighbouring layers; the edges that arrive with it, none where the line goes on."""

    upper: int
    lower: int
    edges: tuple[Edge, ...]


def laid_out(sizes: Mapping[str, tuple[float, float]], edges: Sequence[Edge]) -> Layout:
    """The layout of nodes with these sizes, which stand each after its inputs."""
    return _Layered(sizes, edges).layout()


class _Layered:
    def __init__(self, sizes: Mapping[str, tuple[float, float]], edges: Sequence[Edge]) -> None:
        self.ids = list(sizes)
        self.sizes = list(sizes.values())
        self.links: list[_Link] = []
        self.layer_of = _layers(self.ids, edges)
        self._add_links(edges)
        self.layers: list[list[int]] = [[] for _ in range(max(self.layer_of, default=-1) + 1)]
        count = len(self.layer_of)
        self.above: list[list[int]] = [[] for _ in range(count)]
        self.below: list[list[int]] = [[] for _ in range(count)]
        for link in self.links:
            self.above[link.lower].append(link.upper)
            self.below[link.upper].append(link.lower)
        for point in self._first_order():
            self.layers[self.layer_of[point]].append(point)

    def _add_links(self, edges: Sequence[Edge]) -> None:
        """Makes the points that lines pass through, and the links between points of neighbouring layers."""
        number = {id: k for k, id in enumerate(self.ids)}
        passing: dict[tuple[int, int], int] = {}
        arriving: dict[tuple[int, int], list[Edge]] = {}
        for edge in edges:
            upper, target = number[edge.source], number[edge.target]
            source, lower = upper, target
            for layer in range(self.layer_of[target] - 1, self.layer_of[source], -1):
                # From the target upwards, up to where another line of the same source has been.
                known = (source, layer) in passing
                point = passing.setdefault((source, layer), len(self.layer_of))
                if lower == target:
                    upper = point
                else:
                    self.links.append(_Link(point, lower, ()))
                if known:
                    break
                self.layer_of.append(layer)
                self.sizes.append((0.0, 0.0))
                lower = point
            else:
                if lower != target:
                    self.links.append(_Link(source, lower, ()))
            arriving.setdefault((upper, target), []).append(edge)
        self.links += [_Link(upper, target, tuple(several)) for (upper, target), several in arriving.items()]

    # ---- order

    def _first_order(self) -> list[int]:
        """All points, as a walk from the results along the operands meets them: a tree has no crossings in it."""
        order: dict[int, None] = {}
        stack = [point for point in range(len(self.ids)) if not self.below[point]]
        while stack:
            point = stack.pop()
            if point not in order:
                order[point] = None
                stack += reversed(self.above[point])
        return list(order)

    def _order(self) -> None:
        best, fewest = [list(layer) for layer in self.layers], self._crossings()
        rounds = _SWEEPS if len(self.layer_of) < _LARGE else 4
        for turn in range(rounds):
            if not fewest:
                break
            downwards = turn % 2 == 1
            numbers = range(1, len(self.layers)) if downwards else range(len(self.layers) - 2, -1, -1)
            for k in numbers:
                self._sort(k, self.layers[k - 1 if downwards else k + 1], self.above if downwards else self.below)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(layer) for layer in self.layers], crossings
        self.layers = best

    def _sort(self, number: int, fixed: list[int], neighbours: list[list[int]]) -> None:
        """Sorts a layer by the mean place of the neighbours; who has none keeps its place."""
        place = {point: k for k, point in enumerate(fixed)}
        layer = self.layers[number]
        movable = [point for point in layer if neighbours[point]]
        movable.sort(key=lambda point: sum(place[other] for other in neighbours[point]) / len(neighbours[point]))
        moved = iter(movable)
        self.layers[number] = [next(moved) if neighbours[point] else point for point in layer]

    def _crossings(self) -> int:
        total = 0
        for upper, lower in zip(self.layers, self.layers[1:], strict=False):
            place = {point: k for k, point in enumerate(lower)}
            seen: list[int] = []
            for point in upper:
                ends = sorted(place[other] for other in self.below[point])
                total += sum(len(seen) - bisect_right(seen, end) for end in ends)
                for end in ends:
                    insort(seen, end)
        return total

    # ---- positions

    def _place(self) -> list[float]:
        """The middle of each point."""
        middle = [0.0] * len(self.layer_of)
        for layer in self.layers:
            at = 0.0
            for point in layer:
                middle[point] = at + self.sizes[point][0] / 2
                at += self.sizes[point][0] + GAP_X
        weights = self._weights()
        rounds = _PLACING_SWEEPS if len(self.layer_of) < _LARGE else 6
        for turn in range(rounds):
            layers = self.layers if turn % 2 else self.layers[::-1]
            both = turn >= rounds // 2
            for layer in layers:
                wishes = []
                for point in layer:
                    pull = [
                        pair for k, side in enumerate(weights[point]) if both or k == turn % 2 for pair in side
                    ] or [pair for side in weights[point] for pair in side]
                    weight = sum(weight for _other, weight in pull)
                    wish = sum(middle[other] * weight for other, weight in pull) / weight if pull else middle[point]
                    wishes.append((wish, weight or 1.0))
                for point, x in zip(layer, self._nearest(layer, wishes), strict=True):
                    middle[point] = x
        least = min((x - self.sizes[k][0] / 2 for k, x in enumerate(middle)), default=0.0)
        return [x - least + MARGIN for x in middle]

    def _weights(self) -> list[tuple[list[tuple[int, float]], list[tuple[int, float]]]]:
        """For each point its neighbours below and above with their pull: long lines and chains are to be straight."""
        found: list[tuple[list[tuple[int, float]], list[tuple[int, float]]]] = [([], []) for _ in self.layer_of]
        nodes = len(self.ids)
        for link in self.links:
            if link.upper >= nodes and link.lower >= nodes:
                weight = 40.0
            elif not self.above[link.upper] and len(self.below[link.upper]) == 1:
                # What is used in one place stands beside the way that leads there.
                weight = 0.01
            else:
                weight = 4.0 if link.lower < nodes and len(self.below[link.upper]) == 1 else 1.0
            found[link.upper][0].append((link.lower, weight))
            found[link.lower][1].append((link.upper, weight))
        return found

    def _nearest(self, layer: list[int], wishes: list[tuple[float, float]]) -> list[float]:
        """The positions nearest to the wishes, weighted, that keep the order and the distances of a layer."""
        offsets, offset = [], 0.0
        for k, point in enumerate(layer):
            if k:
                offset += (self.sizes[layer[k - 1]][0] + self.sizes[point][0]) / 2 + GAP_X
            offsets.append(offset)
        pools: list[tuple[float, float, int]] = []
        for (wish, weight), offset in zip(wishes, offsets, strict=True):
            mean, total, size = wish - offset, weight, 1
            while pools and pools[-1][0] > mean:
                other, more, members = pools.pop()
                mean = (mean * total + other * more) / (total + more)
                total, size = total + more, size + members
            pools.append((mean, total, size))
        means = [mean for mean, _total, size in pools for _ in range(size)]
        return [mean + offset for mean, offset in zip(means, offsets, strict=True)]

    # ---- the picture

    def layout(self) -> Layout:
        """The boxes and lines."""
        self._order()
        middle = self._place()
        heights = [max(self.sizes[point][1] for point in layer) for layer in self.layers]
        farthest = [0.0] * len(self.layers)
        for link in self.links:
            k = self.layer_of[link.upper]
            farthest[k] = max(farthest[k], abs(middle[link.upper] - middle[link.lower]))
        tops, y = [], MARGIN
        for height, far in zip(heights, farthest, strict=True):
            tops.append(y)
            # A line that goes far aside needs height for it, or it would be nearly flat.
            y += height + min(GAP_Y + far / 12, 3 * GAP_Y)
        boxes = {}
        for k, id in enumerate(self.ids):
            width, height = self.sizes[k]
            layer = self.layer_of[k]
            boxes[id] = Box(middle[k] - width / 2, tops[layer] + (heights[layer] - height) / 2, width, height)
        lines = self._lines(middle, tops, heights, boxes)
        right = max((x + self.sizes[k][0] / 2 for k, x in enumerate(middle)), default=0.0)
        bottom = max((box.y + box.height for box in boxes.values()), default=0.0)
        return Layout(boxes, lines, right + MARGIN, bottom + MARGIN)

    def _lines(
        self, middle: list[float], tops: list[float], heights: list[float], boxes: Mapping[str, Box]
    ) -> list[Line]:
        def gap(upper: int) -> tuple[float, float]:
            layer = self.layer_of[upper]
            return tops[layer] + heights[layer], tops[layer + 1]

        arriving: dict[int, list[tuple[float, int, Edge]]] = {}
        lines = []
        for link in self.links:
            for edge in link.edges:
                arriving.setdefault(link.lower, []).append((middle[link.upper], link.upper, edge))
            if not link.edges:
                end = middle[link.lower], tops[self.layer_of[link.lower]]
                lines.append(Line(self._foot(link.upper, middle, tops, boxes), gap(link.upper), end, None))
        for target, several in arriving.items():
            box = boxes[self.ids[target]]
            # Sorted by where they come from, lines don't cross in front of the box.
            several.sort(key=lambda one: (one[0], one[2].position))
            for (_x, upper, edge), x in zip(several, _ports([one[0] for one in several], box), strict=True):
                lines.append(Line(self._foot(upper, middle, tops, boxes), gap(upper), (x, box.y), edge))
        return lines

    def _foot(
        self, point: int, middle: list[float], tops: list[float], boxes: Mapping[str, Box]
    ) -> tuple[float, float]:
        """Where lines leave a point: the lower edge of a box, or the top of the layer that's passed."""
        if point < len(self.ids):
            box = boxes[self.ids[point]]
            return middle[point], box.y + box.height
        return middle[point], tops[self.layer_of[point]]


def _ports(origins: list[float], box: Box) -> list[float]:
    """Where lines arrive at a box that come from these positions: side by side, one of them straight if possible."""
    step = min(_PORT, box.width * 0.7 / len(origins))
    left = box.x + box.width / 2 - (len(origins) - 1) / 2 * step
    ports = [left + k * step for k in range(len(origins))]
    asides = sorted((origin - port for origin, port in zip(origins, ports, strict=True)), key=abs)
    # Two that are as near, such as those of `y * y`, stay symmetric.
    shift = asides[0] if len(asides) == 1 or abs(asides[1]) - abs(asides[0]) > 1 else 0.0
    room = box.width * 0.4 - (len(origins) - 1) / 2 * step
    return [port + shift for port in ports] if abs(shift) < room else ports


def _layers(ids: list[str], edges: Sequence[Edge]) -> list[int]:
    """The layer of each node from the top: one above the highest of its consumers."""
    consumers: dict[str, list[str]] = {id: [] for id in ids}
    for edge in edges:
        consumers[edge.source].append(edge.target)
    height: dict[str, int] = {}
    for id in reversed(ids):
        height[id] = max((height[target] + 1 for target in consumers[id]), default=0)
    top = max(height.values(), default=0)
    return [top - height[id] for id in ids]
