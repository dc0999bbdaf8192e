"""EfficientDet as AutoML defines it, in PyTorch, with AutoML's variable names.

Every layer is as in google/automl's efficientdet (TF2 Keras): SAME padding that puts the odd pixel at
the bottom and right, batch normalisation with epsilon 1e-3 and momentum 0.99, squeeze-and-excite
sized by the block's input, a batch normalisation of its own for each level of the heads.

Each module that holds variables knows the TensorFlow name of its scope; `named_tensors` yields all
variables under those names in TensorFlow's layouts, so that export is a copy.
"""

import math
from dataclasses import dataclass, field

import torch
from torch import nn
import torch.nn.functional as F

BATCH_NORM_EPSILON = 1e-3
BATCH_NORM_MOMENTUM = 0.01  # PyTorch counts the other way round: 1 - 0.99

# repeats, kernel, stride, expansion, input and output filters of each stage
STAGES = (
    (1, 3, 1, 1, 32, 16), (2, 3, 2, 6, 16, 24), (2, 5, 2, 6, 24, 40), (3, 3, 2, 6, 40, 80),
    (3, 5, 1, 6, 80, 112), (4, 5, 2, 6, 112, 192), (1, 3, 1, 6, 192, 320))  # fmt: skip


@dataclass
class Hparams:
    """AutoML's names and meanings. Only what the two smallest models need."""

    name: str
    image_size: int
    num_classes: int
    anchor_scale: float
    backbone_name: str = "efficientnet-b0"
    act_type: str = "swish"
    squeeze_excite: bool = True
    fpn_weight_method: str = "fastattn"
    fpn_num_filters: int = 64
    fpn_cell_repeats: int = 3
    box_class_repeats: int = 3
    min_level: int = 3
    max_level: int = 7
    num_scales: int = 3
    aspect_ratios: tuple = (1.0, 2.0, 0.5)
    mean_rgb: tuple = (0.485 * 255, 0.456 * 255, 0.406 * 255)
    stddev_rgb: tuple = (0.229 * 255, 0.224 * 255, 0.225 * 255)

    @property
    def anchors_a_place(self):
        return self.num_scales * len(self.aspect_ratios)


def find_hparams(model, image_size, num_classes, anchor_scale):
    if model == "d0":
        return Hparams("efficientdet-d0", image_size, num_classes, anchor_scale)
    if model == "lite0":
        return Hparams(
            "efficientdet-lite0", image_size, num_classes, anchor_scale,
            backbone_name="efficientnet-lite0", act_type="relu6", squeeze_excite=False,
            fpn_weight_method="sum", mean_rgb=(127.0,) * 3, stddev_rgb=(128.0,) * 3)  # fmt: skip
    raise ValueError(f"no model '{model}': d0 or lite0")


def level_sizes(hparams, image_size=None):
    """Side of each level's feature, min_level first."""
    size, sizes = image_size or hparams.image_size, []
    for level in range(1, hparams.max_level + 1):
        size = (size - 1) // 2 + 1
        if level >= hparams.min_level:
            sizes.append(size)
    return sizes


def make_anchors(hparams, image_size=None):
    """[A, 4] centre y, centre x, height, width in pixels: level, y, x, scale, aspect."""
    image_size = image_size or hparams.image_size
    anchors = []
    for size in level_sizes(hparams, image_size):
        stride = image_size / size
        centre = (torch.arange(size, dtype=torch.float64) + 0.5) * stride
        shapes = []
        for octave in range(hparams.num_scales):
            base = hparams.anchor_scale * stride * 2 ** (octave / hparams.num_scales)
            for aspect in hparams.aspect_ratios:
                shapes.append((base / math.sqrt(aspect), base * math.sqrt(aspect)))
        shapes = torch.tensor(shapes, dtype=torch.float64)
        y, x = torch.meshgrid(centre, centre, indexing="ij")
        places = torch.stack([y, x], -1)[:, :, None, :].expand(-1, -1, len(shapes), -1)
        anchors.append(torch.cat([places, shapes.expand(size, size, -1, -1)], -1).reshape(-1, 4))
    return torch.cat(anchors).float()


def same_padding(size, kernel, stride):
    total = max((math.ceil(size / stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def pad_same(x, kernel, stride, value=0.0):
    top, bottom = same_padding(x.shape[2], kernel, stride)
    left, right = same_padding(x.shape[3], kernel, stride)
    if top == bottom == left == right == 0:
        return x
    return F.pad(x, (left, right, top, bottom), value=value)


def convolve_same(x, weight, bias, kernel, stride, groups=1):
    """Even padding goes into the convolution itself: a copy less."""
    rows = same_padding(x.shape[2], kernel, stride)
    columns = same_padding(x.shape[3], kernel, stride)
    if rows[0] == rows[1] and columns[0] == columns[1]:
        return F.conv2d(x, weight, bias, stride, (rows[0], columns[0]), 1, groups)
    return F.conv2d(pad_same(x, kernel, stride), weight, bias, stride, 0, 1, groups)


def max_pool_same(x, kernel, stride):
    return F.max_pool2d(pad_same(x, kernel, stride, float("-inf")), kernel, stride)


class Convolution(nn.Module):
    def __init__(self, scope, kernel, inputs, outputs, stride=1, bias=False):
        super().__init__()
        self.scope, self.kernel, self.stride = scope, kernel, stride
        self.weight = nn.Parameter(torch.empty(outputs, inputs, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(outputs)) if bias else None
        nn.init.normal_(self.weight, std=math.sqrt(2.0 / (kernel * kernel * outputs)))

    def forward(self, x):
        return convolve_same(x, self.weight, self.bias, self.kernel, self.stride)

    def tensors(self):
        yield f"{self.scope}/kernel", self.weight.permute(2, 3, 1, 0)
        if self.bias is not None:
            yield f"{self.scope}/bias", self.bias


class DepthwiseConvolution(nn.Module):
    def __init__(self, scope, kernel, filters, stride):
        super().__init__()
        self.scope, self.kernel, self.stride, self.filters = scope, kernel, stride, filters
        self.weight = nn.Parameter(torch.empty(filters, 1, kernel, kernel))
        nn.init.normal_(self.weight, std=math.sqrt(2.0 / (kernel * kernel)))

    def forward(self, x):
        return convolve_same(x, self.weight, None, self.kernel, self.stride, self.filters)

    def tensors(self):
        yield f"{self.scope}/depthwise_kernel", self.weight.permute(2, 3, 0, 1)


class SeparableConvolution(nn.Module):
    def __init__(self, scope, inputs, outputs, bias_value=0.0, spread=None):
        super().__init__()
        self.scope, self.inputs = scope, inputs
        self.depthwise = nn.Parameter(torch.empty(inputs, 1, 3, 3))
        self.pointwise = nn.Parameter(torch.empty(outputs, inputs, 1, 1))
        self.bias = nn.Parameter(torch.full((outputs,), bias_value))
        nn.init.normal_(self.depthwise, std=1.0 / 3.0)
        nn.init.normal_(self.pointwise, std=spread or math.sqrt(1.0 / inputs))

    def forward(self, x):
        x = convolve_same(x, self.depthwise, None, 3, 1, self.inputs)
        return F.conv2d(x, self.pointwise, self.bias)

    def tensors(self):
        yield f"{self.scope}/depthwise_kernel", self.depthwise.permute(2, 3, 0, 1)
        yield f"{self.scope}/pointwise_kernel", self.pointwise.permute(2, 3, 1, 0)
        yield f"{self.scope}/bias", self.bias


class BatchNorm(nn.BatchNorm2d):
    def __init__(self, scope, filters, gamma=1.0):
        super().__init__(filters, eps=BATCH_NORM_EPSILON, momentum=BATCH_NORM_MOMENTUM)
        self.scope = scope
        self.num_batches_tracked = None
        nn.init.constant_(self.weight, gamma)

    def tensors(self):
        yield f"{self.scope}/gamma", self.weight
        yield f"{self.scope}/beta", self.bias
        yield f"{self.scope}/moving_mean", self.running_mean
        yield f"{self.scope}/moving_variance", self.running_var


def activate(x, act_type):
    return F.silu(x) if act_type == "swish" else F.relu6(x)


class SqueezeExcite(nn.Module):
    def __init__(self, scope, filters, block_inputs, act_type):
        super().__init__()
        reduced = max(1, int(block_inputs * 0.25))
        self.act_type = act_type
        self.reduce = Convolution(f"{scope}/conv2d", 1, filters, reduced, bias=True)
        self.expand = Convolution(f"{scope}/conv2d_1", 1, reduced, filters, bias=True)

    def forward(self, x):
        gate = x.mean((2, 3), keepdim=True)
        return x * torch.sigmoid(self.expand(activate(self.reduce(gate), self.act_type)))


def drop_path(x, rate, training):
    """Stochastic depth: leaves the branch out for some of the pictures, scales the others up."""
    if not training or rate == 0:
        return x
    keep = torch.rand(x.shape[0], 1, 1, 1, device=x.device) >= rate
    return x * (keep / (1 - rate)).to(x.dtype)


class MBConv(nn.Module):
    def __init__(self, scope, hparams, kernel, stride, expand, inputs, outputs, drop_rate):
        super().__init__()
        self.act_type, self.drop_rate = hparams.act_type, drop_rate
        self.skip = stride == 1 and inputs == outputs
        filters, norms, convolutions = inputs * expand, 0, 0

        def norm_scope():
            nonlocal norms
            norms += 1
            return f"{scope}/tpu_batch_normalization" + (f"_{norms - 1}" if norms > 1 else "")

        def convolution_scope():
            nonlocal convolutions
            convolutions += 1
            return f"{scope}/conv2d" + (f"_{convolutions - 1}" if convolutions > 1 else "")

        self.expand = self.expand_norm = self.squeeze_excite = None
        if expand != 1:
            self.expand = Convolution(convolution_scope(), 1, inputs, filters)
            self.expand_norm = BatchNorm(norm_scope(), filters)
        self.depthwise = DepthwiseConvolution(f"{scope}/depthwise_conv2d", kernel, filters, stride)
        self.depthwise_norm = BatchNorm(norm_scope(), filters)
        if hparams.squeeze_excite:
            self.squeeze_excite = SqueezeExcite(f"{scope}/se", filters, inputs, self.act_type)
        self.project = Convolution(convolution_scope(), 1, filters, outputs)
        self.project_norm = BatchNorm(norm_scope(), outputs)

    def forward(self, x):
        y = x
        if self.expand is not None:
            y = activate(self.expand_norm(self.expand(y)), self.act_type)
        y = activate(self.depthwise_norm(self.depthwise(y)), self.act_type)
        if self.squeeze_excite is not None:
            y = self.squeeze_excite(y)
        y = self.project_norm(self.project(y))
        return x + drop_path(y, self.drop_rate, self.training) if self.skip else y


class Backbone(nn.Module):
    def __init__(self, hparams, drop_rate):
        super().__init__()
        scope, self.act_type = hparams.backbone_name, hparams.act_type
        self.stem = Convolution(f"{scope}/stem/conv2d", 3, 3, 32, stride=2)
        self.stem_norm = BatchNorm(f"{scope}/stem/tpu_batch_normalization", 32)
        blocks, total = [], sum(stage[0] for stage in STAGES)
        for repeats, kernel, stride, expand, inputs, outputs in STAGES:
            for repeat in range(repeats):
                first = repeat == 0
                blocks.append(
                    MBConv(f"{scope}/blocks_{len(blocks)}", hparams, kernel, stride if first else 1,
                           expand, inputs if first else outputs, outputs,
                           drop_rate * len(blocks) / total))  # fmt: skip
        self.blocks = nn.ModuleList(blocks)

    def forward(self, x):
        """Features of the levels 3, 4 and 5: outputs of the stages 3, 5 and 7."""
        x = activate(self.stem_norm(self.stem(x)), self.act_type)
        features, last = [], {4: 3, 10: 4, 15: 5}
        for index, block in enumerate(self.blocks):
            x = block(x)
            if index in last:
                features.append(x)
        return features


class Resample(nn.Module):
    """To another level's size; a 1x1 convolution first where the number of filters differs."""

    def __init__(self, scope, inputs, outputs):
        super().__init__()
        self.convolution = self.norm = None
        if inputs != outputs:
            self.convolution = Convolution(f"{scope}/conv2d", 1, inputs, outputs, bias=True)
            self.norm = BatchNorm(f"{scope}/bn", outputs)

    def forward(self, x, size):
        if self.convolution is not None:
            x = self.norm(self.convolution(x))
        if x.shape[2] > size:
            stride = (x.shape[2] - 1) // size + 1
            return max_pool_same(x, stride + 1, stride)
        if x.shape[2] < size:
            if size == 2 * x.shape[2]:
                return F.interpolate(x, scale_factor=2, mode="nearest")
            index = torch.div(torch.arange(size, device=x.device) * x.shape[2], size,
                              rounding_mode="floor")  # fmt: skip
            return x[:, :, index][:, :, :, index]
        return x


def bifpn_nodes(min_level, max_level):
    """(level, inputs) of each node of a cell: top-down, then bottom-up."""
    last = {level: [level - min_level] for level in range(min_level, max_level + 1)}
    nodes, count = [], max_level - min_level + 1
    for level in range(max_level - 1, min_level - 1, -1):
        nodes.append((level, [last[level][-1], last[level + 1][-1]]))
        last[level].append(count)
        count += 1
    for level in range(min_level + 1, max_level + 1):
        nodes.append((level, last[level] + [last[level - 1][-1]]))
        last[level].append(count)
        count += 1
    return nodes


class FusionNode(nn.Module):
    def __init__(self, scope, hparams, inputs, index, num_features, input_filters):
        super().__init__()
        filters, self.inputs = hparams.fpn_num_filters, inputs
        self.act_type, self.scope = hparams.act_type, scope
        self.resample = nn.ModuleList(
            Resample(f"{scope}/resample_{i}_{offset}_{num_features}", input_filters[offset],
                     filters) for i, offset in enumerate(inputs))  # fmt: skip
        self.fusion = None
        if hparams.fpn_weight_method == "fastattn":
            self.fusion = nn.ParameterList(nn.Parameter(torch.ones(())) for _ in inputs)
        conv_scope = f"{scope}/op_after_combine{num_features}"
        self.convolution = SeparableConvolution(f"{conv_scope}/conv", filters, filters)
        self.norm = BatchNorm(f"{conv_scope}/bn", filters)

    def forward(self, features, size):
        inputs = [r(features[i], size) for r, i in zip(self.resample, self.inputs)]
        if self.fusion is None:
            fused = sum(inputs[1:], inputs[0])
        else:
            weights = F.relu(torch.stack(tuple(self.fusion)))
            weights = weights / (weights.sum() + 0.0001)
            fused = sum(x * w.to(x.dtype) for x, w in zip(inputs, weights))
        return self.norm(self.convolution(activate(fused, self.act_type)))

    def tensors(self):
        for i, weight in enumerate(self.fusion or ()):
            yield f"{self.scope}/WSM" + (f"_{i}" if i else ""), weight


class FusionCell(nn.Module):
    def __init__(self, scope, hparams, input_filters):
        super().__init__()
        self.nodes, self.levels = nn.ModuleList(), []
        self.num_levels = hparams.max_level - hparams.min_level + 1
        self.min_level = hparams.min_level
        filters = list(input_filters)
        for index, (level, inputs) in enumerate(bifpn_nodes(hparams.min_level, hparams.max_level)):
            self.nodes.append(
                FusionNode(f"{scope}/fnode{index}", hparams, inputs, index, len(filters), filters))
            self.levels.append(level - hparams.min_level)
            filters.append(hparams.fpn_num_filters)

    def forward(self, features):
        features = list(features)
        sizes = [feature.shape[2] for feature in features]
        last = [None] * self.num_levels
        for node, level in zip(self.nodes, self.levels):
            features.append(node(features, sizes[level]))
            last[level] = features[-1]
        return last


class Head(nn.Module):
    def __init__(self, scope, kind, hparams, outputs, bias_value, spread):
        super().__init__()
        filters, self.act_type = hparams.fpn_num_filters, hparams.act_type
        levels = range(hparams.min_level, hparams.max_level + 1)
        self.convolutions, self.norms = nn.ModuleList(), nn.ModuleList()
        for i in range(hparams.box_class_repeats):
            self.convolutions.append(SeparableConvolution(f"{scope}/{kind}-{i}", filters, filters))
            self.norms.append(nn.ModuleList(
                BatchNorm(f"{scope}/{kind}-{i}-bn-{level}", filters) for level in levels))  # fmt: skip
        self.predict = SeparableConvolution(f"{scope}/{kind}-predict", filters,
                                            outputs * hparams.anchors_a_place, bias_value, spread)  # fmt: skip
        self.outputs = outputs

    def forward(self, features):
        """[N, A, outputs], anchors by level, y, x, then scale and aspect."""
        results = []
        for level, x in enumerate(features):
            for convolution, norms in zip(self.convolutions, self.norms):
                x = activate(norms[level](convolution(x)), self.act_type)
            x = self.predict(x)
            results.append(x.permute(0, 2, 3, 1).reshape(x.shape[0], -1, self.outputs))
        return torch.cat(results, 1)


class EfficientDet(nn.Module):
    """Input [N, 3, S, S] normalised; gives class logits [N, A, C] and box deltas [N, A, 4]."""

    def __init__(self, hparams, drop_rate=0.0):
        super().__init__()
        self.hparams = hparams
        self.backbone = Backbone(hparams, drop_rate)
        filters = [40, 112, 320]
        self.level6 = Resample("resample_p6", filters[-1], hparams.fpn_num_filters)
        filters = filters + [hparams.fpn_num_filters] * (hparams.max_level - 5)
        self.cells = nn.ModuleList()
        for index in range(hparams.fpn_cell_repeats):
            self.cells.append(FusionCell(f"fpn_cells/cell_{index}", hparams, filters))
            filters = [hparams.fpn_num_filters] * len(filters)
        prior = -math.log((1 - 0.01) / 0.01)
        self.class_net = Head("class_net", "class", hparams, hparams.num_classes, prior, 0.01)
        self.box_net = Head("box_net", "box", hparams, 4, 0.0, 0.01)

    def features(self, images):
        features = self.backbone(images)
        size = (features[-1].shape[2] + 1) // 2
        features.append(self.level6(features[-1], size))
        for _ in range(7, self.hparams.max_level + 1):
            features.append(max_pool_same(features[-1], 3, 2))
        for cell in self.cells:
            features = cell(features)
        return features

    def forward(self, images):
        features = self.features(images)
        return self.class_net(features), self.box_net(features)

    def named_tensors(self):
        """(TensorFlow's name, tensor in TensorFlow's layout) of every variable."""
        for module in self.modules():
            if hasattr(module, "tensors"):
                yield from module.tensors()
