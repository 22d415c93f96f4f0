/** A process that takes all mail, with as little work as can be: it says its port, and then how many messages came since it last did. */
import { createServer, type AddressInfo, type Socket } from 'node:net'

/** How often it is said, milliseconds. */
const INTERVAL_MS = 20

let taken = 0

function serve(socket: Socket): void {
  let isData = false
  let rest = ''
  const say = (text: string) => socket.write(`${text}\r\n`)
  const answer = (line: string) => {
    if (isData) {
      if (line !== '.') return
      isData = false
      taken++
      say('250 OK')
      return
    }
    switch (line.slice(0, 4).toUpperCase()) {
      case 'DATA':
        isData = true
        say('354 go')
        return
      case 'QUIT':
        socket.end('221 bye\r\n')
        return
      default:
        say('250 OK')
    }
  }
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\r\n')
    rest = lines.pop() ?? ''
    for (const line of lines) answer(line)
  })
  socket.on('error', () => socket.destroy())
  say('220 sink')
}

const server = createServer(serve).listen(0, '127.0.0.1', () => {
  process.send?.((server.address() as AddressInfo).port)
  setInterval(() => {
    if (taken > 0) process.send?.(taken)
    taken = 0
  }, INTERVAL_MS)
})
process.on('disconnect', () => process.exit())
