import t from 'tap'
import { type Plot, svg, ticks } from '../../../bench/common/plot.ts'

const plot: Plot = {
  title: 'Walls & <fanouts>',
  description: 'It falls.',
  ...{ x: 'fanout', y: 'seconds' },
  lines: [
    {
      name: 'measured',
      points: [
        [1, 8],
        [2, 4.123456],
        [4, 2],
      ],
    },
    {
      name: 'ideal',
      points: [
        [1, 7],
        [4, 1.75],
      ],
      computed: true,
    },
  ],
  marks: [{ at: 2, label: 'knee' }],
}

t.test('ticks are round numbers from 0 to the first which is not below the largest value', async t => {
  for (const [largest, expected] of [
    [0, [0, 1]],
    [1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0.35, [0, 0.1, 0.2, 0.3, 0.4]],
    [16, [0, 5, 10, 15, 20]],
    [27, [0, 5, 10, 15, 20, 25, 30]],
    [61.2, [0, 20, 40, 60, 80]],
    [100, [0, 20, 40, 60, 80, 100]],
  ] as const)
    t.strictSame(ticks(largest), expected, `${largest}`)
})

t.test('the same data give the same bytes', async t => {
  t.equal(svg(plot), svg(structuredClone(plot)))
})

t.test('a plot tells its title and what it shows to those who cannot see it, and text is no markup', async t => {
  const text = svg(plot)
  t.match(text, /<svg [^>]*role="img" aria-labelledby="title description"/)
  t.match(text, '<title id="title">Walls &amp; &lt;fanouts&gt;</title>')
  t.match(text, '<desc id="description">It falls.</desc>')
})

t.test('a plot has a light ground of its own, for pages in dark colours', async t => {
  t.match(svg(plot), /<rect x="0.5" y="0.5" width="719" height="439" rx="6" fill="#ffffff"/)
})

t.test('each line is drawn and named; what was worked out is dashed and has no marks', async t => {
  const text = svg(plot)
  t.equal(text.match(/<polyline /g)?.length, 2)
  t.match(text, />measured<\/text>/)
  t.match(text, />ideal<\/text>/)
  t.equal(text.match(/<circle /g)?.length, 4, 'three points and one in the legend')
  t.equal(text.match(/stroke-dasharray="6 4"/g)?.length, 2, 'the line and its legend')
  t.match(text, /stroke-dasharray="2 3"\/>\n<text [^>]*>knee<\/text>/)
})

t.test('points are where the axes say', async t => {
  // x from 0 to 4 over 632, y from 0 to 8 over 300.
  t.match(svg(plot), 'points="222,84 380,229.4 696,309"')
})

t.test('what cannot be drawn is refused', async t => {
  t.throws(() => svg({ ...plot, lines: [] }), /no points to draw/)
  for (const value of [Number.NaN, -1, Number.POSITIVE_INFINITY])
    t.throws(() => svg({ ...plot, lines: [{ name: 'bad', points: [[1, value]] }] }), /cannot be drawn/)
})
