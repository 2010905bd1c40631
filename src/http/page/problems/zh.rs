use super::Met;

/// Title and text in Chinese.
pub(super) fn told(met: Met) -> (&'static str, &'static str) {
    match met {
        Met::LinkUnknown => ("无法识别此激活链接", "请原样使用最新邀请邮件中的链接。"),
        Met::LinkUsed => ("此激活链接已被使用", "如果是您本人使用的，请登录。"),
        Met::LinkExpired => ("此激活链接已过期", "请向邀请您的人索取新的邀请。"),
        Met::LinkRevoked => ("此邀请已被撤销", "如果您认为有误，请联系邀请您的人。"),
        Met::LinkReplaced => ("此链接已被更新的链接取代", "较新的邮件中有另一个有效的链接，请打开那个链接。"),
        Met::OnlySalesforceActivates => ("此激活方式已关闭", "请登录 Salesforce 以激活您的帐户。"),
        Met::OtherAddress => (
            "Salesforce 用户的电子邮件地址不同",
            "邀请发送到了另一个地址。请以受邀电子邮件地址对应的用户登录 Salesforce，然后再次打开链接。",
        ),
        Met::ResetLinkUnusable => ("此链接无法使用", "链接无法识别、已被使用或已超过一小时。请重新申请。"),
        Met::PasswordsSwitchedOff => ("密码登录已关闭", "此处仅允许通过 Salesforce 登录。请登录 Salesforce。"),
        Met::AuthorizationNotBegun => ("无法完成此授权", "授权不是在此浏览器中开始的、已经完成或已超过十分钟。请重新开始。"),
        Met::SessionMissing => ("请先登录", "此授权属于未在此浏览器中登录的成员。请在此处登录，然后重新开始。"),
        Met::AuthorizationRefused => ("授权被拒绝", "如果您希望授权，请重新开始。原因（英文）："),
        Met::SalesforceNotConfigured => ("此服务的 Salesforce 应用尚未配置", "请联系此服务的运营者。"),
        Met::Unavailable => ("服务目前无法响应", "请几秒钟后重试。"),
        Met::Fault => ("我们这边出现了问题", "请重试。如果再次发生，请联系此服务的运营者。"),
        Met::PasswordTooShortOrLong => ("无法使用此密码", "密码太短或太长。"),
        Met::PasswordGuessable => ("此密码太容易被猜到", "此密码属于最先会被尝试的密码。请使用几个互不相关的词，或让程序生成密码。"),
        Met::NoSalesforceHost => ("此地址不属于 Salesforce", "请输入您的 My Domain 地址，例如 acme.my.salesforce.com。"),
        Met::Other => ("操作未能完成", "发生的问题（英文）："),
    }
}
