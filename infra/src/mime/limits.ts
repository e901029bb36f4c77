/** Hostile mail meets these bounds before it meets a parser (architecture §1). The raw bytes are kept whole whatever is cut here. */
const KIB = 1024;

/** All of the root header. mailparser takes 19 s for a 965 KiB `To:`; past this the rest of the header is not looked at. */
export const MAX_HEAD_BYTES = 256 * KIB;
/** One header field. */
export const MAX_FIELD_BYTES = 64 * KIB;
export const MAX_PARTS = 1000;
export const MAX_NESTING = 100;
export const MAX_REFERENCES = 100;
/** Characters of one body value, and of all of them together. */
export const MAX_BODY_CHARS = 1024 * KIB;
export const MAX_ALL_BODIES_CHARS = 4 * 1024 * KIB;
/** RFC 5322 §2.1.1: a message id cannot be longer than a line. */
export const MAX_MESSAGE_ID = 998;
