"""Lightning callbacks that measure, draw and watch a training."""
