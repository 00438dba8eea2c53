"""Video: pictures of battles written as GIF or MP4."""
