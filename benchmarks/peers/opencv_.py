"""OpenCV's FaceDetectorYN and FaceRecognizerSF, in the loop that OpenCV's tutorial shows."""

from __future__ import annotations

import cv2
from clock import Face, read_job, time_peer


def main() -> None:
    job = read_job()
    detector = cv2.FaceDetectorYN.create(
        str(job.weights / "face_detection_yunet_2023mar.onnx"), "", (0, 0)
    )
    recognizer = cv2.FaceRecognizerSF.create(
        str(job.weights / "face_recognition_sface_2021dec.onnx"), ""
    )

    def embed(path: str) -> list[Face]:
        image = cv2.imread(path)
        if image is None:
            raise SystemExit(f"OpenCV cannot read {path}")
        detector.setInputSize((image.shape[1], image.shape[0]))
        _, faces = detector.detect(image)
        found: list[Face] = []
        for face in () if faces is None else faces:
            left, top, width, height = face[:4]
            vector = recognizer.feature(recognizer.alignCrop(image, face)).flatten()
            found.append(((left, top, left + width, top + height), vector))
        return found

    packages = ["opencv-python-headless", "numpy"]
    time_peer(job, lambda paths: [embed(path) for path in paths], packages)


if __name__ == "__main__":
    main()
