"""OpenCV's FaceDetectorYN and FaceRecognizerSF, in the loop that OpenCV's tutorial shows."""

from __future__ import annotations

import cv2
from clock import read_job, time_peer


def main() -> None:
    job = read_job()
    detector = cv2.FaceDetectorYN.create(
        str(job.weights / "face_detection_yunet_2023mar.onnx"), "", (0, 0)
    )
    recognizer = cv2.FaceRecognizerSF.create(
        str(job.weights / "face_recognition_sface_2021dec.onnx"), ""
    )

    def embed_all(paths: list[str]) -> int:
        embeddings: list[object] = []
        for path in paths:
            image = cv2.imread(path)
            if image is None:
                raise SystemExit(f"OpenCV cannot read {path}")
            detector.setInputSize((image.shape[1], image.shape[0]))
            _, faces = detector.detect(image)
            embeddings += [
                recognizer.feature(recognizer.alignCrop(image, face))
                for face in (() if faces is None else faces)
            ]
        return len(embeddings)

    time_peer(job, embed_all, ["opencv-python-headless", "numpy"])


if __name__ == "__main__":
    main()
