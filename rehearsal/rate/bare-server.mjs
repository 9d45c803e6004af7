// The least that can stand where the service stands: it reads no request, and sends the service's 202 for each.
import { createServer } from 'node:net';

const body =
  '{"status":"success","message":"accepted","claimId":"01M83QDZMNRJQPX8NCTA98Z45X","campaignId":"bare","sequence":1,"claimedAt":"2026-12-01T00:00:00.000Z"}';
const answer = Buffer.from(
  `HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\nx-request-id: 1\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
);
// A caller has one request under way on a connection, and it fits into one packet.
const server = createServer({ noDelay: true }, (socket) => {
  socket.on('data', () => socket.write(answer)).on('error', () => undefined);
});
server.listen({ host: '127.0.0.1', port: 0, backlog: 4_096 }, () => console.log(server.address().port));
