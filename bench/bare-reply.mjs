/**
 * Answers as the service answers an accepted claim, apart from the headers that every answer has: the bare server and
 * the layers of the bisection. Nothing is computed but what differs in each reply.
 */
export function bareReply(reply, userId, campaignId, sequence) {
  return reply
    .code(202)
    .header('location', `/api/campaigns/${campaignId}/claims/${userId}`)
    .header('content-language', 'ko')
    .header('vary', 'accept-language')
    .send({
      status: 'success',
      message: '쿠폰 발급 신청이 완료되었습니다.',
      claimId: '01M83QDZMNRJQPX8NCTA98Z45X',
      campaignId,
      sequence,
      claimedAt: new Date().toISOString(),
    });
}
