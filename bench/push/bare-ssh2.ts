/**
 * The least that runs a command on many machines: ssh2 and a window, nothing else. No host keys are checked, no time
 * limits kept, nothing is ended on the target. What a tool adds to this is what its comfort costs.
 * Arguments: key file, user, port, fanout, addresses with commas, command.
 */
import { readFileSync } from 'node:fs'
import pLimit from 'p-limit'
import { Client } from 'ssh2'

const [keyFile = '', username = '', port = '', fanout = '', addresses = '', command = ''] = process.argv.slice(2)
const privateKey = readFileSync(keyFile)

const one = (host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const client = new Client()
    let output = ''
    client.on('error', error => reject(new Error(`${host}: ${error.message}`)))
    client.on('ready', () => {
      client.exec(command, (error, channel) => {
        if (error) return reject(error)
        channel.on('data', (data: Buffer) => {
          output += data
        })
        channel.stderr.resume()
        channel.on('close', () => {
          client.end()
          for (const line of output.split('\n').slice(0, -1)) process.stdout.write(`${host}: ${line}\n`)
          resolve()
        })
      })
    })
    client.connect({ host, port: Number(port), username, privateKey, readyTimeout: 120_000 })
  })

const limit = pLimit(Number(fanout))
await Promise.all(addresses.split(',').map(host => limit(() => one(host))))
