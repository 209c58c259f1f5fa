"""Small nets of random weights in plain torch, each with the habits of one kind that people export."""

from collections.abc import Callable, Mapping
from typing import Any

Build = Callable[[Any], Any]
"""From torch to a module."""


def _module(torch: Any, parts: Mapping[str, Any], forward: Callable[..., Any]) -> Any:
    """Return a module of these parts whose forward is a function of them and its inputs."""

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            for name, part in parts.items():
                setattr(self, name, part)

        def forward(self, input: Any) -> Any:
            return forward(self, input)

    return Net()


def shufflenet(torch: Any) -> Any:
    """Split channels, work on one half, join, shuffle."""
    nn = torch.nn

    def half() -> Any:
        return nn.Sequential(
            nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
            nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), nn.BatchNorm2d(8),
            nn.Conv2d(8, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(),
        )  # fmt: skip

    def forward(self: Any, x: Any) -> Any:
        x = self.stem(x)
        for block in self.blocks:
            a, b = x.chunk(2, 1)
            x = torch.cat((a, block(b)), 1)
            n, c, h, w = x.shape
            x = x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)
        return self.head(x.mean((2, 3)))

    parts = {
        "stem": nn.Conv2d(3, 16, 3, 2, 1), "blocks": nn.ModuleList([half() for _ in range(3)]),
        "head": nn.Linear(16, 5),
    }  # fmt: skip
    return _module(torch, parts, forward)


def mobilenet_v3(torch: Any) -> Any:
    """Invert residuals with squeeze and excitation, hard swish and hard sigmoid."""
    nn = torch.nn

    def block(width: int) -> Any:
        parts = {
            "wide": nn.Sequential(nn.Conv2d(8, width, 1, bias=False), nn.BatchNorm2d(width), nn.Hardswish()),
            "deep": nn.Sequential(
                nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False), nn.BatchNorm2d(width), nn.Hardswish()
            ),
            "gate": nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, 4, 1), nn.ReLU(), nn.Conv2d(4, width, 1), nn.Hardsigmoid()
            ),
            "slim": nn.Sequential(nn.Conv2d(width, 8, 1, bias=False), nn.BatchNorm2d(8)),
        }

        def forward(self: Any, x: Any) -> Any:
            y = self.deep(self.wide(x))
            return x + self.slim(y * self.gate(y))

        return _module(torch, parts, forward)

    return nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.Hardswish(), block(16), block(24),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 16), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(16, 5),
    )  # fmt: skip


def deeplab(torch: Any) -> Any:
    """Pool at several dilations, join, resize to the image."""
    nn, functional = torch.nn, torch.nn.functional

    def branch(kernel: int, dilation: int) -> Any:
        pad = dilation * (kernel // 2)
        return nn.Sequential(
            nn.Conv2d(8, 8, kernel, padding=pad, dilation=dilation, bias=False), nn.BatchNorm2d(8), nn.ReLU()
        )

    def forward(self: Any, x: Any) -> Any:
        y = self.stem(x)
        rows = [each(y) for each in self.branches]
        rows.append(functional.interpolate(self.pooled(y), size=y.shape[2:], mode="bilinear", align_corners=False))
        z = self.head(torch.cat(rows, 1))
        return functional.interpolate(z, size=x.shape[2:], mode="bilinear", align_corners=False)

    parts = {
        "stem": nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU()),
        "branches": nn.ModuleList([branch(1, 1), branch(3, 2), branch(3, 4)]),
        "pooled": nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1, bias=False), nn.ReLU()),
        "head": nn.Sequential(nn.Conv2d(32, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 3, 1)),
    }
    return _module(torch, parts, forward)


def yolo(torch: Any) -> Any:
    """Split and join bottlenecks, and take boxes from distributions over distances."""
    nn = torch.nn

    def conv(a: int, b: int, kernel: int = 1, stride: int = 1) -> Any:
        return nn.Sequential(nn.Conv2d(a, b, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(b), nn.SiLU())

    def forward(self: Any, x: Any) -> Any:
        x = self.stem(x)
        rows = [*self.wide(x).chunk(2, 1)]
        rows += [each(rows[-1]) for each in self.bottlenecks]
        x = self.slim(torch.cat(rows, 1))
        x = torch.cat([x, *(pool(x) for pool in self.pools)], 1)
        found = []
        for box, score in zip(self.boxes, self.scores, strict=True):
            found.append(torch.cat((box(x), score(x)), 1).view(x.shape[0], 4 * 8 + 5, -1))
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="nearest")
        whole = torch.cat(found, 2)
        box, score = whole.split((32, 5), 1)
        n, _, count = box.shape
        bins = box.view(n, 4, 8, count).transpose(2, 1).softmax(1)
        far = self.expect(bins).view(n, 4, count)
        low, high = far.chunk(2, 1)
        return torch.cat(((low + high) / 2, high - low, score.sigmoid()), 1)

    parts = {
        "stem": conv(3, 16, 3, 2), "wide": conv(16, 16), "bottlenecks": nn.ModuleList([conv(8, 8, 3), conv(8, 8, 3)]),
        "slim": conv(32, 8), "pools": nn.ModuleList([nn.MaxPool2d(5, 1, 2), nn.MaxPool2d(9, 1, 4)]),
        "boxes": nn.ModuleList([nn.Conv2d(24, 32, 1) for _ in range(2)]),
        "scores": nn.ModuleList([nn.Conv2d(24, 5, 1) for _ in range(2)]),
        "expect": nn.Conv2d(8, 1, 1, bias=False),
    }  # fmt: skip
    return _module(torch, parts, forward)


def einsum_attention(torch: Any) -> Any:
    """Attend by einsum, with a rotation of halves before."""
    nn = torch.nn

    def turn(x: Any, angle: Any) -> Any:
        a, b = x[..., :4], x[..., 4:]
        return x * angle.cos() + torch.cat((-b, a), -1) * angle.sin()

    def forward(self: Any, x: Any) -> Any:
        n, t, _ = x.shape
        q, k, v = (each.view(n, t, 4, 8) for each in self.qkv(x).chunk(3, -1))
        angle = torch.arange(t)[None, :, None, None] * self.speed
        weights = torch.einsum("bqhd,bkhd->bhqk", turn(q, angle), turn(k, angle)) * 8**-0.5
        mixed = torch.einsum("bhqk,bkhd->bqhd", weights.softmax(-1), v)
        return x + self.out(mixed.reshape(n, t, 32))

    speed = nn.Parameter(torch.rand(8), requires_grad=False)
    return _module(torch, {"qkv": nn.Linear(32, 96), "out": nn.Linear(32, 32), "speed": speed}, forward)


def detr(torch: Any) -> Any:
    """Encode an image's rows, decode queries, and read classes and boxes off them."""
    nn = torch.nn

    def forward(self: Any, x: Any) -> Any:
        rows = self.stem(x).flatten(2).permute(0, 2, 1) + self.places
        queries = self.queries.unsqueeze(0).expand(x.shape[0], -1, -1)
        seen = self.transformer(rows, queries)
        return torch.cat((self.classes(seen), self.boxes(seen).sigmoid()), -1)

    parts = {
        "stem": nn.Sequential(nn.Conv2d(3, 16, 3, 2, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(),
                              nn.Conv2d(16, 16, 3, 2, 1)),
        "places": nn.Parameter(torch.rand(64, 16)), "queries": nn.Parameter(torch.rand(5, 16)),
        "transformer": nn.Transformer(16, 2, 1, 1, 32, batch_first=True), "classes": nn.Linear(16, 4),
        "boxes": nn.Sequential(nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4)),
    }  # fmt: skip
    return _module(torch, parts, forward)


def channels_last(torch: Any) -> Any:
    """Keep channels last, as nets that came from TensorFlow do, with a transpose on either side of each convolution."""
    nn = torch.nn

    def conv(layer: Any, x: Any) -> Any:
        return layer(x.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)

    def forward(self: Any, x: Any) -> Any:
        x = conv(self.first, x.permute(0, 2, 3, 1)).relu()
        for layers in self.blocks:
            y = conv(layers[1], conv(layers[0], x).clamp(0, 6)) * self.scale + self.shift
            x = torch.cat((x + y, nn.functional.pad(y, (0, 0, 1, 1, 1, 1))[:, 1:-1, 1:-1]), 3)[..., :8].relu()
        return self.head(x.mean((1, 2))).softmax(-1)

    parts = {
        "first": nn.Conv2d(3, 8, 3, 2, 1),
        "blocks": nn.ModuleList([nn.ModuleList([nn.Conv2d(8, 8, 3, padding=1), nn.Conv2d(8, 8, 1)]) for _ in range(2)]),
        "scale": nn.Parameter(torch.rand(8)), "shift": nn.Parameter(torch.rand(8)), "head": nn.Linear(8, 5),
    }  # fmt: skip
    return _module(torch, parts, forward)


def quantized(torch: Any) -> Any:
    """Round weights and activations to bytes and back, as quantisation in training leaves them."""
    nn = torch.nn

    def rounded(x: Any, scale: float) -> Any:
        return torch.fake_quantize_per_tensor_affine(x, scale, 0, -128, 127)

    def forward(self: Any, x: Any) -> Any:
        x = rounded(x, 0.02)
        for layer in self.layers:
            y = nn.functional.conv2d(x, rounded(layer.weight, 0.005), layer.bias, padding=1)
            x = rounded(y.relu(), 0.01)
        return self.head(rounded(x.mean((2, 3)), 0.01))

    layers = nn.ModuleList([nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 8, 3, padding=1)])
    return _module(torch, {"layers": layers, "head": nn.Linear(8, 5)}, forward)


def upscaler(torch: Any) -> Any:
    """Double an image by shuffling channels into pixels, beside a resized copy."""
    nn = torch.nn

    def forward(self: Any, x: Any) -> Any:
        return self.body(x) + nn.functional.interpolate(x, scale_factor=2, mode="bicubic")

    body = nn.Sequential(
        nn.ReflectionPad2d(1), nn.Conv2d(3, 8, 3), nn.PReLU(8), nn.ZeroPad2d(1), nn.Conv2d(8, 12, 3),
        nn.PixelShuffle(2), nn.Tanh(),
    )  # fmt: skip
    return _module(torch, {"body": body}, forward)


def translator(torch: Any) -> Any:
    """Encode by an LSTM both ways, decode by a GRU, attend between them."""
    nn = torch.nn

    def forward(self: Any, x: Any) -> Any:
        seen, (state, _) = self.encoder(x)
        told, _ = self.decoder(x.flip(1), torch.cat((state[0], state[1]), -1).unsqueeze(0))
        weights = (told @ seen.transpose(1, 2)).softmax(-1)
        return self.out(torch.cat((told, weights @ seen), -1)).log_softmax(-1)

    parts = {
        "encoder": nn.LSTM(8, 8, batch_first=True, bidirectional=True), "decoder": nn.GRU(8, 16, batch_first=True),
        "out": nn.Linear(32, 6),
    }  # fmt: skip
    return _module(torch, parts, forward)


NETS: Mapping[str, tuple[Build, tuple[int, ...], dict[int, str]]] = {
    "shufflenet": (shufflenet, (2, 3, 32, 32), {}),
    "mobilenet_v3": (mobilenet_v3, (2, 3, 32, 32), {0: "batch"}),
    "deeplab": (deeplab, (1, 3, 32, 32), {0: "batch", 2: "height", 3: "width"}),
    "yolo": (yolo, (1, 3, 32, 32), {0: "batch"}),
    "einsum_attention": (einsum_attention, (2, 6, 32), {0: "batch", 1: "time"}),
    "detr": (detr, (2, 3, 32, 32), {0: "batch"}),
    "channels_last": (channels_last, (2, 3, 16, 16), {0: "batch"}),
    "quantized": (quantized, (2, 3, 16, 16), {}),
    "upscaler": (upscaler, (1, 3, 16, 16), {2: "height", 3: "width"}),
    "translator": (translator, (2, 5, 8), {0: "batch", 1: "time"}),
}
"""By name: a module, the shape of its input, and which of its dimensions are open."""
