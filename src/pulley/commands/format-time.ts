/** Points in time for people, in UTC and to the second. */

export const formatTime = (time: number): string => new Date(time).toISOString().replace(/\.\d+Z$/, 'Z')

/** How long ago, in the largest unit that says enough: `3 s`, `12 min`, `5 h`, `2 d`. */
export const formatAgo = (time: number, now: number): string => {
  const seconds = Math.max(0, Math.round((now - time) / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} d`
}
