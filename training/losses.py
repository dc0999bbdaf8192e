"""Which anchor answers for which object, and AutoML's focal and Huber losses."""

import torch
import torch.nn.functional as F

POSITIVE_IOU, NEGATIVE_IOU, FORCED_IOU = 0.5, 0.4, 0.2
IGNORED_SHARE = 0.5  # of an anchor inside an ignored region
FOCAL_ALPHA, FOCAL_GAMMA = 0.25, 1.5
HUBER_DELTA, BOX_LOSS_WEIGHT = 0.1, 50.0


def overlaps(anchors, boxes):
    """Intersection over union and over the anchor's area, both [N, A, G]."""
    low_y, low_x, high_y, high_x = (anchors[None, :, None, i] for i in range(4))
    ymin, xmin, ymax, xmax = (boxes[:, None, :, i] for i in range(4))
    height = (torch.minimum(high_y, ymax) - torch.maximum(low_y, ymin)).clamp(min=0)
    width = (torch.minimum(high_x, xmax) - torch.maximum(low_x, xmin)).clamp(min=0)
    intersection = height * width
    anchor_area = (high_y - low_y) * (high_x - low_x)
    union = anchor_area + (ymax - ymin) * (xmax - xmin) - intersection
    return intersection / union.clamp(min=1e-6), intersection / anchor_area


def match(anchors, boxes, objects, ignored):
    """Per anchor: best object and its overlap, share inside ignored regions; per object: best anchor
    and its overlap. anchors [A, 4] and boxes [N, G, 4]: ymin, xmin, ymax, xmax."""
    iou, share = overlaps(anchors, boxes)
    iou = torch.where(objects[:, None, :], iou, torch.full_like(iou, -1.0))
    share = torch.where(ignored[:, None, :], share, torch.zeros_like(share))
    best_iou, best_box = iou.max(2)
    anchor_iou, best_anchor = iou.max(1)
    return best_iou, best_box, share.amax(2), anchor_iou, best_anchor


def detection_loss(logits, deltas, anchors, batch, match=match):
    """anchors [A, 4]: centre y, centre x, height, width. Returns class loss, box loss and the number
    of positive anchors, summed over the batch."""
    num, num_anchors, num_classes = logits.shape
    half = anchors[:, 2:] / 2
    corners = torch.cat([anchors[:, :2] - half, anchors[:, :2] + half], 1)
    best_iou, best_box, share, anchor_iou, best_anchor = match(
        corners, batch.boxes, batch.objects, batch.ignored)  # fmt: skip
    positive = best_iou >= POSITIVE_IOU
    # Each object has its best anchor; the spare column takes what must not be forced.
    forced = torch.where(anchor_iou > FORCED_IOU, best_anchor, torch.full_like(best_anchor, num_anchors))
    spare = torch.zeros((num, 1), dtype=torch.bool, device=logits.device)
    positive = torch.cat([positive, spare], 1).scatter(1, forced, True)[:, :num_anchors]
    column = torch.arange(forced.shape[1], device=logits.device).expand_as(forced)
    best_box = torch.cat([best_box, spare.long()], 1).scatter(1, forced, column)[:, :num_anchors]
    uncertain = ~positive & ((best_iou >= NEGATIVE_IOU) | (share > IGNORED_SHARE))

    classes = torch.gather(batch.classes, 1, best_box)
    one_hot = classes[..., None] == torch.arange(num_classes, device=logits.device)
    targets = (one_hot & positive[..., None]).to(logits.dtype)
    weights = label_weights(anchors, batch) * (~uncertain)[..., None]
    num_positive = positive.sum() + 1.0
    class_loss = (focal_loss(logits, targets) * weights).sum() / num_positive
    boxes = torch.gather(batch.boxes, 1, best_box[..., None].expand(-1, -1, 4))
    errors = F.huber_loss(deltas, encode(boxes, anchors), reduction="none", delta=HUBER_DELTA)
    # where, not a product: the rows of other anchors may hold infinities.
    errors = torch.where(positive[..., None], errors, torch.zeros_like(errors))
    return class_loss, BOX_LOSS_WEIGHT * errors.sum() / (4 * num_positive), num_positive


def label_weights(anchors, batch):
    """[N, A, C]: 0 where the picture under the anchor's centre has no labels of the class."""
    below = (anchors[None, :, 0] >= batch.centre[:, :1]).long()
    right = (anchors[None, :, 1] >= batch.centre[:, 1:]).long()
    tile = (2 * below + right)[..., None].expand(-1, -1, batch.labelled.shape[2])
    return torch.gather(batch.labelled, 1, tile)


def encode(boxes, anchors):
    """Inverse of AutoML's decode_box_outputs: ty, tx, th, tw."""
    centre = (boxes[..., :2] + boxes[..., 2:]) / 2
    size = (boxes[..., 2:] - boxes[..., :2]).clamp(min=1e-3)
    return torch.cat([(centre - anchors[:, :2]) / anchors[:, 2:], (size / anchors[:, 2:]).log()], -1)


def focal_loss(logits, targets):
    probability = torch.sigmoid(logits)
    correct = targets * probability + (1 - targets) * (1 - probability)
    alpha = targets * FOCAL_ALPHA + (1 - targets) * (1 - FOCAL_ALPHA)
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return alpha * (1 - correct) ** FOCAL_GAMMA * entropy
