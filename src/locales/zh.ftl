### Chinese.

## Mails

date-and-time = { $year }年{ $month }月{ $day }日 { $time } UTC

mail =
    .greeting = 您好！
    .link-works-until = 该链接只能使用一次，有效期至 { $until }。

inviter =
    .named = { $name }
    .marketo-admin = 您的 Marketo 管理员
    .admin = 管理员

invitation-mail =
    .subject = 邀请您加入 Sales Insight Actions 中的 { $instance }
    .invited = { $inviter } 邀请您加入 Sales Insight Actions 中的 { $instance }。
    .open-link = 请打开以下链接以激活您的帐户：
    .unexpected = 如果您没有料到会收到此邮件，请忽略它：在链接被使用之前，不会发生任何事情。

password-reset-mail =
    .subject = Sales Insight Actions 中 { $instance } 的新密码
    .requested = 有人为您在 Sales Insight Actions 中 { $instance } 的帐户申请了新密码。
    .open-link = 请打开以下链接以设置新密码：
    .unexpected = 如果不是您本人的操作，请忽略此邮件：您的密码不会改变。

sync-complete-mail =
    .subject = { $instance } 的人员同步已完成
    .ending = { $instance } 的人员同步已完成。

sync-failed-mail =
    .subject = { $instance } 的人员同步失败
    .ending = { $instance } 的人员同步失败。
    .what = 发生的问题（英文）： { $what }
    .remedy = 处理方法（英文）： { $remedy }

sync-notice-mail =
    .run = 运行 { $run }
    .read = 从 Marketo 读取：{ $count }
    .qualified = 符合条件：{ $count }
    .added = 已添加：{ $count }
    .changed = 已更改：{ $count }
    .unchanged = 未更改：{ $count }
    .removed = 已移除：{ $count }
    .rejected = 无法使用的行：{ $count }

## Pages

activation-page =
    .title = 激活您在 { $instance } 的帐户
    .invited = { $email } 已受邀加入 Sales Insight Actions 中的 { $instance }。
    .log-in-as = 请以电子邮件地址为 { $email } 的用户登录 Salesforce。
    .log-in-production = 使用 Salesforce 登录
    .log-in-sandbox = 使用 Salesforce 沙盒登录
    .log-in-my-domain = 使用 My Domain 登录
    .my-domain-label = My Domain，例如 acme.my.salesforce.com
    .password-label = 或设置至少 { $shortest } 个字符的密码
    .use-password = 使用此密码激活

activated-page =
    .title = 您的帐户已激活
    .text = 您已以 { $email } 的身份登录。您可以关闭此窗口。

password-reset-page =
    .title = 设置新密码
    .text = 用于 { $email }。您将在所有位置退出登录，然后使用新密码登录。
    .password-label = 至少 { $shortest } 个字符的密码
    .button = 设置此密码

password-set-page =
    .title = 您的密码已设置
    .text = 请使用新密码登录。您已在其他所有位置退出登录。

salesforce-connected-page =
    .title = Salesforce 已连接
    .text = 测试调用成功。您可以关闭此窗口并继续设置。

salesforce-needs-attention-page =
    .title = 需要检查 Salesforce
    .text = 授权已完成，但测试调用失败（英文）：

## Problems

problem-link-unknown =
    .title = 无法识别此激活链接
    .text = 请原样使用最新邀请邮件中的链接。

problem-link-used =
    .title = 此激活链接已被使用
    .text = 如果是您本人使用的，请登录。

problem-link-expired =
    .title = 此激活链接已过期
    .text = 请向邀请您的人索取新的邀请。

problem-link-revoked =
    .title = 此邀请已被撤销
    .text = 如果您认为有误，请联系邀请您的人。

problem-link-replaced =
    .title = 此链接已被更新的链接取代
    .text = 较新的邮件中有另一个有效的链接，请打开那个链接。

problem-password-activation-off =
    .title = 此激活方式已关闭
    .text = 请登录 Salesforce 以激活您的帐户。

problem-email-mismatch =
    .title = Salesforce 用户的电子邮件地址不同
    .text = 邀请发送到了另一个地址。请以受邀电子邮件地址对应的用户登录 Salesforce，然后再次打开链接。

problem-reset-link-unusable =
    .title = 此链接无法使用
    .text = 链接无法识别、已被使用或已超过一小时。请重新申请。

problem-password-login-off =
    .title = 密码登录已关闭
    .text = 此处仅允许通过 Salesforce 登录。请登录 Salesforce。

problem-authorization-state-invalid =
    .title = 无法完成此授权
    .text = 授权不是在此浏览器中开始的、已经完成或已超过十分钟。请重新开始。

problem-session-required =
    .title = 请先登录
    .text = 此授权属于未在此浏览器中登录的成员。请在此处登录，然后重新开始。

problem-authorization-denied =
    .title = 授权被拒绝
    .text = 如果您希望授权，请重新开始。原因（英文）： { $detail }

problem-salesforce-not-configured =
    .title = 此服务的 Salesforce 应用尚未配置
    .text = 请联系此服务的运营者。

problem-unavailable =
    .title = 服务目前无法响应
    .text = 请几秒钟后重试。

problem-internal =
    .title = 我们这边出现了问题
    .text = 请重试。如果再次发生，请联系此服务的运营者。

problem-password-length =
    .title = 无法使用此密码
    .text = 密码太短或太长。

problem-password-guessable =
    .title = 此密码太容易被猜到
    .text = 此密码属于最先会被尝试的密码。请使用几个互不相关的词，或让程序生成密码。

problem-salesforce-host =
    .title = 此地址不属于 Salesforce
    .text = 请输入您的 My Domain 地址，例如 acme.my.salesforce.com。

problem-other =
    .title = 操作未能完成
    .text = 发生的问题（英文）： { $detail }
