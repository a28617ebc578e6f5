"""What the map is compared with: pixels, HOG, LBP, edges, contours, networks, embeddings."""

from .classical import HOG, LBP, Contours, Edges, PartGeometry, Pixels
from .embeddings import CNNEmbedding, ConvAutoencoder
from .haar import Haar
from .networks import augment_faces, import_torch, run_network, seeded, three_block_cnn, to_tensor
from .scoreboard import score_clustering
from .training import TrainingHistory, fine_tune, train_network
