/** A number of targets, or a share of all of them, as people write it: `5`, `10%`. Pure. */

export type Amount =
  | { readonly kind: 'count'; readonly count: number }
  /** 0 to 100. */
  | { readonly kind: 'share'; readonly percent: number }

/** `1`, `10%`; throws a `TypeError` which says what is expected. `least` is the smallest number or share. */
export const parseAmount = (text: string, least: 0 | 1): Amount => {
  const [, number = '', percent] = /^\s*(\d{1,7}(?:\.\d+)?)\s*(%)?\s*$/.exec(text) ?? []
  const value = Number(number)
  if (percent && number !== '' && value <= 100 && (value > 0 || least === 0)) return { kind: 'share', percent: value }
  if (!percent && /^\d+$/.test(number) && value >= least) return { kind: 'count', count: value }
  throw new TypeError(`expected a number of targets${least === 1 ? ' above 0' : ''}, or a share such as 10%`)
}

/** `1,10%,100%`; throws a `TypeError` which says what is expected. */
export const parseSerial = (text: string): readonly Amount[] => text.split(',').map(part => parseAmount(part, 1))

/** How many of `total` that is, rounded down. */
export const amountOf = (amount: Amount, total: number): number =>
  // The rounding of 28.999999999999996, which is 29 % of 100, must not cost one.
  amount.kind === 'count' ? amount.count : Math.floor((amount.percent * total) / 100 + 1e-9)
