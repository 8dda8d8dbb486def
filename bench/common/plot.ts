/**
 * Line plots as SVG. The same data give the same bytes. The background is light on purpose: a page in dark colours shows the
 * plot as a picture, and what is drawn in a page's own colour would vanish. Lines differ in colour, mark and dash, so that
 * they can be told apart without colours as well.
 */

export interface Plot {
  readonly title: string
  /** For those who cannot see it: what it shows. */
  readonly description: string
  /** What is on each axis, with the unit; both begin at 0. */
  readonly x: string
  readonly y: string
  readonly lines: readonly PlotLine[]
  /** Upright lines at a value of x, with a word of what is there. */
  readonly marks?: readonly { readonly at: number; readonly label: string }[]
}

export interface PlotLine {
  readonly name: string
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Worked out and not measured: dashed, and without marks. */
  readonly computed?: boolean
}

const WIDTH = 720
const HEIGHT = 440
const BOX = { left: 64, right: WIDTH - 24, top: 84, bottom: HEIGHT - 56 } as const

/** Told apart also by those who see colours otherwise (Okabe and Ito's). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#aa4499', '#7a6a00', '#56b4e9'] as const

/** Throws when there is nothing to draw, or a value is no finite number of at least 0. */
export const svg = (plot: Plot): string => {
  const points = plot.lines.flatMap(line => line.points)
  if (points.length === 0) throw new RangeError(`${plot.title}: no points to draw`)
  for (const value of points.flat())
    if (!Number.isFinite(value) || value < 0) throw new RangeError(`${plot.title}: ${value} cannot be drawn`)
  const xs = ticks(Math.max(...points.map(([x]) => x)))
  const ys = ticks(Math.max(...points.map(([, y]) => y)))
  const scale: Scale = {
    x: value => BOX.left + (value / (xs.at(-1) as number)) * (BOX.right - BOX.left),
    y: value => BOX.bottom - (value / (ys.at(-1) as number)) * (BOX.bottom - BOX.top),
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-labelledby="title description" font-family="Helvetica, Arial, sans-serif" font-size="13" fill="#1f2328">`,
    `<title id="title">${escaped(plot.title)}</title>`,
    `<desc id="description">${escaped(plot.description)}</desc>`,
    `<rect x="0.5" y="0.5" width="${WIDTH - 1}" height="${HEIGHT - 1}" rx="6" fill="#ffffff" stroke="#d0d7de"/>`,
    `<text x="${BOX.left}" y="28" font-size="16" font-weight="bold">${escaped(plot.title)}</text>`,
    ...legend(plot.lines),
    ...axes(plot, xs, ys, scale),
    ...(plot.marks ?? []).flatMap(({ at, label }, index) => mark(scale.x(at), label, index)),
    ...plot.lines.flatMap((line, index) => drawn(line, index, scale)),
    '</svg>',
    '',
  ].join('\n')
}

interface Scale {
  readonly x: (value: number) => number
  readonly y: (value: number) => number
}

/** Round numbers from 0 to the first which is not below the largest value, about six of them. */
export const ticks = (largest: number): readonly number[] => {
  if (largest === 0) return [0, 1]
  const rough = largest / 6
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = power * ([1, 2, 5].find(factor => factor * power >= rough * 0.999) ?? 10)
  const count = Math.ceil(largest / step - 1e-9)
  // Multiples of 0.1 are no round numbers in binary.
  return Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12)))
}

/** In rows below the title; a letter is taken to be 7 wide. */
const legend = (lines: readonly PlotLine[]): readonly string[] => {
  let [x, y]: [number, number] = [BOX.left, 50]
  return lines.flatMap(({ name, computed }, index) => {
    const width = 32 + name.length * 7 + 18
    if (x > BOX.left && x + width > BOX.right) [x, y] = [BOX.left, y + 19]
    const at = x
    x += width
    return [
      `<line x1="${at}" y1="${y - 4}" x2="${at + 24}" y2="${y - 4}" ${stroke(index, computed)}/>`,
      ...(computed ? [] : [symbol(at + 12, y - 4, index)]),
      `<text x="${at + 32}" y="${y}">${escaped(name)}</text>`,
    ]
  })
}

const axes = ({ x, y }: Plot, xs: readonly number[], ys: readonly number[], scale: Scale): readonly string[] => [
  ...ys.flatMap(value => {
    const at = place(scale.y(value))
    const colour = value === 0 ? '#57606a' : '#e4e8ec'
    return [
      `<line x1="${BOX.left}" y1="${at}" x2="${BOX.right}" y2="${at}" stroke="${colour}"/>`,
      `<text x="${BOX.left - 8}" y="${place(scale.y(value) + 4)}" text-anchor="end">${value}</text>`,
    ]
  }),
  ...xs.flatMap(value => {
    const at = place(scale.x(value))
    return [
      `<line x1="${at}" y1="${BOX.bottom}" x2="${at}" y2="${BOX.bottom + 5}" stroke="#57606a"/>`,
      `<text x="${at}" y="${BOX.bottom + 20}" text-anchor="middle">${value}</text>`,
    ]
  }),
  `<line x1="${BOX.left}" y1="${BOX.top}" x2="${BOX.left}" y2="${BOX.bottom}" stroke="#57606a"/>`,
  `<text x="${place((BOX.left + BOX.right) / 2)}" y="${HEIGHT - 14}" text-anchor="middle">${escaped(x)}</text>`,
  `<text transform="translate(18 ${place((BOX.top + BOX.bottom) / 2)}) rotate(-90)" text-anchor="middle">${escaped(y)}</text>`,
]

/** Their words one below the other, as they may stand close together. */
const mark = (at: number, label: string, index: number): readonly string[] => [
  `<line x1="${place(at)}" y1="${BOX.top}" x2="${place(at)}" y2="${BOX.bottom}" stroke="#57606a" stroke-dasharray="2 3"/>`,
  `<text x="${place(at + 6)}" y="${BOX.top + 12 + index * 18}" fill="#57606a">${escaped(label)}</text>`,
]

const drawn = ({ points, computed }: PlotLine, index: number, scale: Scale): readonly string[] => {
  const places = points.map(([x, y]) => [scale.x(x), scale.y(y)] as const)
  return [
    `<polyline points="${places.map(([x, y]) => `${place(x)},${place(y)}`).join(' ')}" fill="none" ${stroke(index, computed)}/>`,
    ...(computed ? [] : places.map(([x, y]) => symbol(x, y, index))),
  ]
}

const stroke = (index: number, computed = false): string =>
  `stroke="${colour(index)}" stroke-width="${computed ? 1.5 : 2}"${computed ? ' stroke-dasharray="6 4"' : ''}`

const colour = (index: number): string => COLOURS[index % COLOURS.length] as string

const symbol = (x: number, y: number, index: number): string => {
  const fill = `fill="${colour(index)}"`
  switch (index % 4) {
    case 0:
      return `<circle cx="${place(x)}" cy="${place(y)}" r="3.5" ${fill}/>`
    case 1:
      return `<rect x="${place(x - 3.5)}" y="${place(y - 3.5)}" width="7" height="7" ${fill}/>`
    case 2:
      return `<path d="M${place(x)} ${place(y - 4.5)}l4.5 8h-9z" ${fill}/>`
    default:
      return `<path d="M${place(x)} ${place(y - 5)}l5 5l-5 5l-5-5z" ${fill}/>`
  }
}

/** A tenth of a point is finer than anybody sees. */
const place = (value: number): string => `${Math.round(value * 10) / 10}`

const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
