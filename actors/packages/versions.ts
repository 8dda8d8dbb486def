/** Versions of packages: which is meant, and which is newer. Pure. */

/**
 * Whether a version is the one that is wanted: `*` stands for anything. An epoch and the package's own revision need not be
 * written: `1.22.1` is `1:1.22.1-9`.
 */
export const isVersion = (version: string, wanted: string): boolean => {
  const source = wanted
    .split('*')
    .map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('.*')
  const pattern = new RegExp(`^${source}$`, 's')
  const plain = version.replace(/^\d+:/, '')
  return [version, plain, version.replace(/-[^-]*$/, ''), plain.replace(/-[^-]*$/, '')].some(form => pattern.test(form))
}

/**
 * Which of two versions, `epoch:version-release`, is newer: below 0 when it is the second. After rpm's manual, "Dependencies,
 * Versioning": parts of digits count as numbers and are newer than letters, `~` comes before everything, also before the
 * end, `^` before everything but the end.
 */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [fieldsOf(a), fieldsOf(b)]
  return left.epoch - right.epoch || compare(left.version, right.version) || compare(left.release, right.release)
}

const fieldsOf = (text: string) => {
  const [, epoch = '0', version = '', release = ''] = /^(?:(\d+):)?(.*?)(?:-([^-]*))?$/.exec(text) ?? []
  return { epoch: Number(epoch), version, release }
}

const compare = (a: string, b: string): number => {
  const [left, right] = [partsOf(a), partsOf(b)]
  for (let index = 0; index < Math.max(left.length, right.length); index++) {
    const difference = comparePart(left[index], right[index])
    if (difference !== 0) return difference
  }
  return 0
}

const partsOf = (text: string): readonly string[] => text.match(/\d+|[a-zA-Z]+|~|\^/g) ?? []

const comparePart = (a: string | undefined, b: string | undefined): number => {
  const difference = rank(a) - rank(b)
  if (difference !== 0 || a === undefined || b === undefined) return difference
  if (rank(a) === NUMBER) return BigInt(a) < BigInt(b) ? -1 : BigInt(a) > BigInt(b) ? 1 : 0
  return a < b ? -1 : a > b ? 1 : 0
}

const NUMBER = 4
const rank = (part: string | undefined): number => {
  if (part === undefined) return 1
  if (part === '~') return 0
  if (part === '^') return 2
  return /^\d/.test(part) ? NUMBER : 3
}
