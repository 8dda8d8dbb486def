/** Times of files on the target. Pure. */

/** Shell which gives a file, already a word of the shell, its time: seconds since 1970. GNU's and busybox's touch agree here. */
export const setTime = (mtime: number | string, word: string): string => `touch -c -m -d "@${mtime}" ${word}`
