"""Names of the official StyleGAN2 networks' tensors in ours."""

ENDS = {"conv": "last", "fc": "linear", "out": "out"}


def renamed(state, size=16):
    """A mapping's or a discriminator's tensors under our names; filters, which are fixed, left out."""
    ours = {}
    for key, value in state.items():
        *path, last = key.split(".")
        if last == "w_avg":
            ours["w_mean"] = value
        elif last != "resample_filter":
            room, path = (["mapping"], path[1:]) if path[0] == "mapping" else ([], path)
            if path[0].startswith("fc"):
                path = ["layers", path[0][2:]]
            elif path[0] != "embed":
                path = placed(int(path[0][1:]), path[1], size)
            ours[".".join([*room, *path, last])] = value
    return ours


def placed(side, name, size):
    """Our place of a discriminator's layer at a side; ours begin with the largest."""
    block = size.bit_length() - side.bit_length()
    if name == "fromrgb":
        return ["from_image", str(block)]
    return [ENDS[name]] if side == 4 else ["blocks", str(block), "shortcut" if name == "skip" else name]


def of_synthesis(state):
    """The synthesis' tensors under our names."""
    ours = {}
    for key, value in state.items():
        block, *path, last = key.split(".")
        level = int(block[1:]).bit_length() - 3
        if last in {"resample_filter", "noise_const"}:
            continue
        if last == "const":
            ours["const"] = value
        elif path == ["skip"]:
            ours[f"shortcuts.{level - 1}.weight"] = value
        else:
            layer = f"to_image.{level}" if path[0] == "torgb" else f"layers.{2 * level - (path[0] == 'conv0')}"
            inside = ["conv", *path[1:], last] if path[1:] or last == "weight" else [last]
            ours[".".join([layer, *inside])] = value
    return ours
