"""Training pictures as tensor operations of fixed shapes: no step waits for the CPU.

Each output picture has four tiles around a centre (mosaic); a picture without mosaic is one whose
centre lies in the bottom right corner, so that its first tile covers everything.
"""

import torch
import torch.nn.functional as F

LEAST_SIDE_PX = 2.0  # of a box after cropping; smaller ones are ignored
LEAST_VISIBLE = 0.25  # of a box's area after cropping; less is ignored
TILE_SCALE = (0.45, 1.8)
SINGLE_SCALE = (0.5, 2.0)
ASPECT_JITTER = 1.2
MOSAIC_CENTRE = (0.25, 0.75)


class Batch:
    """What augment makes.

    images   float [N, 3, S, S], RGB 0..255
    boxes    float [N, G, 4] ymin, xmin, ymax, xmax in pixels
    classes  long [N, G]; objects bool [N, G]: an object; ignored bool [N, G]: a region to ignore
    labelled float [N, 4, C] by tile; centre float [N, 2] y, x of the mosaic's centre in pixels
    """

    def __init__(self, images, boxes, classes, objects, ignored, labelled, centre):
        self.images, self.boxes, self.classes = images, boxes, classes
        self.objects, self.ignored = objects, ignored
        self.labelled, self.centre = labelled, centre


def uniform(shape, low, high, device):
    return low + (high - low) * torch.rand(shape, device=device)


def log_uniform(shape, low, high, device):
    low, high = torch.tensor(float(low)).log().item(), torch.tensor(float(high)).log().item()
    return uniform(shape, low, high, device).exp()


def augment(pictures, rows, size, mosaic_share, max_boxes):
    """rows: long [N, 4], the pictures of each output's tiles. mosaic_share: scalar tensor."""
    device, num = rows.device, rows.shape[0]
    mosaic = torch.rand((num, 1), device=device) < mosaic_share
    centre = torch.where(mosaic, uniform((num, 2), *MOSAIC_CENTRE, device) * size,
                         torch.full((num, 2), float(size), device=device))  # fmt: skip
    tiles = tile_rectangles(centre, size)
    sizes = pictures.sizes[rows]
    scale = torch.where(mosaic, log_uniform((num, 4), *TILE_SCALE, device),
                        log_uniform((num, 4), *SINGLE_SCALE, device))  # fmt: skip
    aspect = log_uniform((num, 4), 1 / ASPECT_JITTER, ASPECT_JITTER, device).sqrt()
    fit = size / sizes.amax(-1) * scale
    factor = torch.stack([fit * aspect, fit / aspect], -1)  # output pixels a picture's pixel, x and y
    room = tiles[..., 2:] - tiles[..., :2] - sizes * factor
    offset = tiles[..., :2] + room * torch.rand((num, 4, 2), device=device)
    flip = torch.rand((num, 4), device=device) < 0.5
    images = change_colours(paint(pictures, rows, size, tiles, sizes, factor, offset, flip))
    boxes, objects, ignored = move_boxes(pictures, rows, tiles, sizes, factor, offset, flip)
    first = torch.argsort((~(objects | ignored)).float(), dim=1, stable=True)[:, :max_boxes]
    take = lambda values: torch.gather(values, 1, first)
    boxes = torch.gather(boxes, 1, first[..., None].expand(-1, -1, 4))
    classes = take(pictures.classes[rows].reshape(num, -1)).clamp(min=0)
    return Batch(images, boxes, classes, take(objects), take(ignored), pictures.labelled[rows],
                 centre.flip(-1))  # fmt: skip


def tile_rectangles(centre, size):
    """[N, 4, 4] xmin, ymin, xmax, ymax of the tiles: top left, top right, bottom left and right."""
    x, y = centre[:, 0], centre[:, 1]
    low, high = torch.zeros_like(x), torch.full_like(x, float(size))
    return torch.stack([torch.stack([low, low, x, y], -1), torch.stack([x, low, high, y], -1),
                        torch.stack([low, y, x, high], -1), torch.stack([x, y, high, high], -1)], 1)  # fmt: skip


def paint(pictures, rows, size, tiles, sizes, factor, offset, flip):
    device, num, side = rows.device, rows.shape[0], pictures.side
    place = torch.arange(size, device=device) + 0.5
    # DeepStream pads with black, AutoML with the mean colour: the model meets both.
    images = (pictures.mean_colour * torch.rand((num, 1), device=device))[:, :, None, None].expand(-1, -1, size, size)
    for tile in range(4):
        x = (place - offset[:, tile, :1]) / factor[:, tile, :1]
        y = (place - offset[:, tile, 1:]) / factor[:, tile, 1:]
        width, height = sizes[:, tile, :1], sizes[:, tile, 1:]
        xmin, ymin, xmax, ymax = (tiles[:, tile, i : i + 1] for i in range(4))
        inside_x = (x >= 0) & (x < width) & (place >= xmin) & (place < xmax)
        inside_y = (y >= 0) & (y < height) & (place >= ymin) & (place < ymax)
        x = torch.where(flip[:, tile, None], width - x, x)
        # Half a pixel inside the picture: beyond lies the padding of the storage.
        x, y = x.clamp(min=0.5).minimum(width - 0.5), y.clamp(min=0.5).minimum(height - 0.5)
        grid = torch.stack([(x * 2 / side - 1)[:, None, :].expand(-1, size, -1),
                            (y * 2 / side - 1)[:, :, None].expand(-1, -1, size)], -1)  # fmt: skip
        painted = F.grid_sample(pictures.pixels[rows[:, tile]].float(), grid, align_corners=False)
        inside = (inside_y[:, :, None] & inside_x[:, None, :])[:, None]
        images = torch.where(inside, painted, images)
    return images


def move_boxes(pictures, rows, tiles, sizes, factor, offset, flip):
    """[N, 4 * M, 4] ymin, xmin, ymax, xmax in the output; which are objects; which are ignored."""
    boxes = pictures.boxes[rows]
    width = sizes[:, :, None, 0]
    xmin = torch.where(flip[:, :, None], width - boxes[..., 2], boxes[..., 0])
    xmax = torch.where(flip[:, :, None], width - boxes[..., 0], boxes[..., 2])
    fx, fy = factor[:, :, None, 0], factor[:, :, None, 1]
    ox, oy = offset[:, :, None, 0], offset[:, :, None, 1]
    xmin, xmax = ox + fx * xmin, ox + fx * xmax
    ymin, ymax = oy + fy * boxes[..., 1], oy + fy * boxes[..., 3]
    area = (xmax - xmin) * (ymax - ymin)
    low_x, low_y, high_x, high_y = (tiles[:, :, None, i] for i in range(4))
    xmin, xmax = torch.minimum(xmin.maximum(low_x), high_x), torch.minimum(xmax.maximum(low_x), high_x)
    ymin, ymax = torch.minimum(ymin.maximum(low_y), high_y), torch.minimum(ymax.maximum(low_y), high_y)
    width, height = xmax - xmin, ymax - ymin
    there = (pictures.classes[rows] >= 0) & (width > 0) & (height > 0)
    small = (torch.minimum(width, height) < LEAST_SIDE_PX) | (width * height < LEAST_VISIBLE * area)
    ignored = there & (pictures.ignore[rows] | small)
    flat = lambda values: values.reshape(values.shape[0], -1)
    boxes = torch.stack([flat(ymin), flat(xmin), flat(ymax), flat(xmax)], -1)
    return boxes, flat(there & ~ignored), flat(ignored)


def change_colours(images):
    num, device = images.shape[0], images.device
    shape = (num, 1, 1, 1)
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * uniform(shape, 0.5, 1.5, device)  # saturation
    centre = images.mean((1, 2, 3), keepdim=True)
    images = centre + (images - centre) * uniform(shape, 0.7, 1.3, device)  # contrast
    images = images * uniform(shape, 0.65, 1.35, device)  # brightness
    images = images * uniform((num, 3, 1, 1), 0.92, 1.08, device)  # colour cast
    colourless = torch.rand(shape, device=device) < 0.05
    images = torch.where(colourless, images.mean(1, keepdim=True).expand_as(images), images)
    return images.clamp(0, 255)
