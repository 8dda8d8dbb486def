/** POSIX shell quoting (XCU 2.2.2): the only way in which data becomes part of a shell line. */

/** The text as one word of a POSIX shell line, whatever it contains; throws on a NUL byte, which no argument can hold. */
export const quote = (text: string): string => {
  if (text.includes('\0')) throw new TypeError('a NUL byte cannot be part of a command line')
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
