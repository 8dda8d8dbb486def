/** Bounds which keep a slip of the finger (`n[0-999999999]`) an error instead of a machine out of memory. */

/** How many names one expression may write out, and how many a set may hold. */
export const MAX_NAMES = 1_000_000
/** How many groups or wildcard masks the brackets of one operand may write out. */
export const MAX_MASKS = 10_000
/** How long an index may be, in digits; ClusterShell's bound. */
export const MAX_DIGITS = 100
/** How deep parentheses may nest. */
export const MAX_DEPTH = 100
/** How many of the operators `!` `&` `^` may stand in one row. */
export const MAX_OPERATORS = 1_000
