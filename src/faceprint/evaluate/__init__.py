"""Protocols, calibration runs, audits and reports: what makes a number one that can be acted on."""
