/** What the audit trail says of an operator's deed, in words. */

import type { Say } from "../../desk/say";

const DEEDS: Record<string, [en: string, zh: string]> = {
  "POST /v1/applications/{id}/approve": ["Approved an application", "批准入驻申请"],
  "POST /v1/applications/{id}/reject": ["Rejected an application", "拒绝入驻申请"],
  "POST /v1/approvals/{id}/approve": ["Agreed as the second operator", "作为第二人批准"],
  "POST /v1/approvals/{id}/reject": ["Said no as the second operator", "作为第二人拒绝"],
  "POST /v1/brands": ["Added a brand", "添加品牌"],
  "POST /v1/brands/{id}/capital": ["Put own money in", "投入自有资金"],
  "POST /v1/campaigns": ["Added a campaign", "添加活动"],
  "POST /v1/campaigns/{id}/approve": ["Approved a campaign", "批准活动"],
  "POST /v1/campaigns/{id}/start": ["Started a campaign", "启动活动"],
  "POST /v1/campaigns/{id}/pause": ["Paused a campaign", "暂停活动"],
  "POST /v1/campaigns/{id}/resume": ["Resumed a campaign", "恢复活动"],
  "POST /v1/campaigns/{id}/end": ["Ended a campaign", "结束活动"],
  "POST /v1/campaigns/{id}/budget": ["Changed a budget", "调整预算"],
  "POST /v1/merchants": ["Added a merchant", "添加商户"],
  "PATCH /v1/merchants/{id}": ["Changed a merchant", "变更商户"],
  "POST /v1/merchants/{id}/keys": ["Made a merchant's key", "新建商户密钥"],
  "POST /v1/merchants/{id}/staff": ["Added somebody to a till", "添加收银员"],
  "POST /v1/notifications/{id}/redeliver": ["Sent a notification again", "重新发送通知"],
  "POST /v1/operators": ["Made an operator's key", "新建操作员密钥"],
  "PUT /v1/operators/{name}/roles": ["Changed an operator's roles", "调整操作员角色"],
  "DELETE /v1/operators/{name}": ["Closed an operator", "停用操作员"],
  "GET /v1/users/{id}": ["Read a person's data", "查看个人信息"],
  "POST /v1/users/{id}/reads": ["Read a person's data", "查看个人信息"],
  "POST /v1/users/{id}/status": ["Froze or unfroze a user", "冻结或解冻用户"],
};

/** What is not known here is said as the server says it: method and route. */
export function deed(what: string, say: Say): string {
  const known = DEEDS[what];
  return known ? say(...known) : what;
}
