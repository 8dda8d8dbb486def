/** Other tools' command lines. For the help only: `cli` has taken their words before. */
import type { Command } from 'commander'

export const addFaces = (program: Command): void => {
  const face = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .argument('[words...]', `options and commands as ${name}(1) takes them, see stoker ${name} -h`)
  face('clush', "run commands with clush(1)'s command line and output")
  face('pdsh', "run commands with pdsh(1)'s command line and output")
  face('dshbak', 'show the output of pdsh host by host, as dshbak(1) does')
}
