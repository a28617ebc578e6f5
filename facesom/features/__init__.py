"""What the map is compared with: pixels, HOG, LBP, edges, contours, networks, embeddings."""

from .classical import HOG, LBP, Contours, Edges, PartGeometry, Pixels
from .embeddings import CNNEmbedding, ConvAutoencoder
from .networks import (
    augment_faces,
    fine_tune,
    import_torch,
    run_network,
    three_block_cnn,
    to_tensor,
    train_network,
)
from .scoreboard import score_clustering
