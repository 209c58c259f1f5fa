"""Which nodes of a directed graph lie on a cycle together."""

from collections.abc import Sequence


def components(below: Sequence[Sequence[int]]) -> list[list[int]]:
    """Return the strongly connected components of a graph, given by what each node points to (Tarjan)."""
    index = [-1] * len(below)
    low = [0] * len(below)
    waiting = [False] * len(below)
    stack: list[int] = []
    found: list[list[int]] = []
    count = 0
    for root in range(len(below)):
        if index[root] >= 0:
            continue
        path = [(root, iter(below[root]))]
        while path:
            node, others = path[-1]
            if index[node] < 0:
                index[node] = low[node] = count
                count += 1
                stack.append(node)
                waiting[node] = True
            for other in others:
                if index[other] < 0:
                    path.append((other, iter(below[other])))
                    break
                if waiting[other]:
                    low[node] = min(low[node], index[other])
            else:
                path.pop()
                if path:
                    low[path[-1][0]] = min(low[path[-1][0]], low[node])
                if low[node] == index[node]:
                    at = _place(stack, node)
                    found.append(sorted(stack[at:]))
                    for other in stack[at:]:
                        waiting[other] = False
                    del stack[at:]
    return found


def _place(stack: Sequence[int], node: int) -> int:
    at = len(stack) - 1
    while stack[at] != node:
        at -= 1
    return at
