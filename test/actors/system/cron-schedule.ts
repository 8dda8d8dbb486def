import t from 'tap'
import { scheduleProblem } from '../../../actors/system/cron-schedule.ts'

t.test('what cron takes is taken', async t => {
  for (const schedule of [
    '* * * * *',
    '30 4 * * 1-5',
    '0,15,30,45 */2 1,15 * *',
    '0 0 1-31/2 jan-jun sun',
    '5  4\t* DEC 7',
    '*/5 0-23 * * mon,wed,fri',
    '@daily',
    '@reboot',
  ])
    t.equal(scheduleProblem(schedule), undefined, schedule)
})

t.test('what cron does not take, or takes for something else, is told with the field', async t => {
  for (const [schedule, problem] of [
    ['', /five fields/],
    ['* * * *', /five fields/],
    ['* * * * * *', /five fields/],
    ['@dayly', /expected one of @reboot.*@daily/],
    ['60 * * * *', /^minute "60": expected 0 to 59/],
    ['* 24 * * *', /^hour "24"/],
    ['* * 0 * *', /^day of the month "0"/],
    ['* * * 13 *', /^month "13"/],
    ['* * * * 8', /^day of the week "8"/],
    ['* * * foo *', /^month "foo": expected 1 to 12 or jan, feb/],
    ['5-1 * * * *', /^minute/],
    ['1-2-3 * * * *', /^minute/],
    ['*/0 * * * *', /^minute/],
    ['*/99 * * * *', /^minute/],
    ['5/10 * * * *', /^minute/],
    ['1,,2 * * * *', /^minute/],
    ['-1 * * * *', /^minute/],
    ['1- * * * *', /^minute/],
    ['1.5 * * * *', /^minute/],
    ['* * * * *\n* * * * *', /five fields/],
  ] as const)
    t.match(scheduleProblem(schedule), problem, JSON.stringify(schedule))
})
