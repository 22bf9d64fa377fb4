"""Drawing: tensors and curves to pictures, movies and figures."""
