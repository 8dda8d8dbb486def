/** `dhcpd`: ISC DHCP's dhcpd.conf. */
import * as z from 'zod'
import { DHCPD } from '../../formats/dhcpd.ts'
import { restartService } from '../commands.ts'
import { fromTemplate } from '../from-template.ts'
import type { Service } from '../service.ts'
import { commandsOf, parseSettings, path, seconds } from '../settings.ts'
import { viewOf } from '../view.ts'
import { DHCP_SETTINGS, dhcpData } from './dhcp.ts'

const dhcpServer = (name: 'dhcpd' | 'dhcpd6', family: 4 | 6): Service => ({
  name,
  summary: `${name}.conf: ISC's DHCP server for IPv${family}`,
  groups: false,
  configure(input) {
    const settings = parseSettings(
      {
        ...DHCP_SETTINGS,
        output: path.default(`/etc/dhcp/${name}.conf`),
        /** The longest one which a client gets by asking for it. */
        'max-lease-time': seconds.optional(),
        /** Files of the site's own which dhcpd reads as well. */
        include: z.array(path).default([]),
      },
      input,
    )
    return {
      async files(site, templates) {
        const most = Math.max(settings['max-lease-time'] ?? 24 * 3600, settings['lease-time'])
        const data = {
          ...dhcpData(viewOf(site, settings), family, settings),
          settings: { ...settings, 'max-lease-time': most },
        }
        return [
          {
            ...(await fromTemplate(templates, `${name}.conf.hbs`, DHCPD, data)),
            path: settings.output,
            mode: 0o644,
            // dhcpd reads its configuration at its start, and never again.
            onChange: 'restart',
            // Not with -q, which keeps the errors to itself.
            check: candidate => ['dhcpd', ...(family === 6 ? ['-6'] : []), '-t', '-cf', candidate],
          },
        ]
      },
      ...commandsOf(settings, { restart: restartService('isc-dhcp-server') }),
    }
  },
})

export const dhcpd = dhcpServer('dhcpd', 4)
export const dhcpd6 = dhcpServer('dhcpd6', 6)
