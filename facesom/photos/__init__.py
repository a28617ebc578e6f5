"""Faces in photos and films, people in groups, landmarks, and photos turned into drawn faces."""

from .emotion_tracks import video_emotions
from .examples import astronaut_landmarks, find_photos, write_example_video
from .faces import crop_faces, find_faces, match_boxes, read_photo
from .from_photos import draw_from_photos
from .labels import evaluate_groups, read_labels, write_label_sheet
from .landmarks import align_landmarks, find_landmarks, steady_landmarks
from .people import analyze_group, analyze_groups
from .tracks import track_faces
from .video import read_frames
