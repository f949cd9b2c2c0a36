/* empty.c - stands in for a folder that has no sources yet. */
typedef int empty_translation_unit;
