//! What is known of a platform, for people and programs.
