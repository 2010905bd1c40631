### Japanese.

## Mails

date-and-time = { $year }年{ $month }月{ $day }日 { $time } UTC

mail =
    .greeting = こんにちは。
    .link-works-until = このリンクは { $until } まで、1 回だけ使用できます。

inviter =
    .named = { $name } さん
    .marketo-admin = Marketo の管理者
    .admin = 管理者

invitation-mail =
    .subject = Sales Insight Actions の { $instance } への招待
    .invited = { $inviter }が、あなたを Sales Insight Actions の { $instance } に招待しました。
    .open-link = 次のリンクを開いて、アカウントを有効にしてください。
    .unexpected = このメッセージに心当たりがない場合は無視してください。リンクを使用しない限り、何も起こりません。

password-reset-mail =
    .subject = Sales Insight Actions の { $instance } の新しいパスワード
    .requested = Sales Insight Actions の { $instance } のアカウントについて、新しいパスワードの設定が要求されました。
    .open-link = 次のリンクを開いて、新しいパスワードを設定してください。
    .unexpected = このメッセージに心当たりがない場合は無視してください。パスワードは変更されません。

sync-complete-mail =
    .subject = { $instance } の人物の同期が完了しました
    .ending = { $instance } の人物の同期が完了しました。

sync-failed-mail =
    .subject = { $instance } の人物の同期に失敗しました
    .ending = { $instance } の人物の同期に失敗しました。
    .what = 発生した問題（英語）: { $what }
    .remedy = 対処方法（英語）: { $remedy }

sync-notice-mail =
    .run = 実行 { $run }
    .read = Marketo から読み込み: { $count }
    .qualified = 対象: { $count }
    .added = 追加: { $count }
    .changed = 変更: { $count }
    .unchanged = 変更なし: { $count }
    .removed = 削除: { $count }
    .rejected = 使用できない行: { $count }

## Pages

activation-page =
    .title = { $instance } のアカウントを有効にする
    .invited = { $email } は Sales Insight Actions の { $instance } に招待されました。
    .log-in-as = メールアドレスが { $email } のユーザーとして Salesforce にログインしてください。
    .log-in-production = Salesforce でログイン
    .log-in-sandbox = Salesforce Sandbox でログイン
    .log-in-my-domain = 私のドメインでログイン
    .my-domain-label = 私のドメイン（例: acme.my.salesforce.com）
    .password-label = または { $shortest } 文字以上のパスワードを設定
    .use-password = このパスワードで有効にする

activated-page =
    .title = アカウントが有効になりました
    .text = { $email } としてログインしています。このウィンドウを閉じてください。

password-reset-page =
    .title = 新しいパスワードの設定
    .text = { $email } のパスワードです。すべての場所でログアウトされます。新しいパスワードでログインしてください。
    .password-label = { $shortest } 文字以上のパスワード
    .button = このパスワードを設定する

password-set-page =
    .title = パスワードを設定しました
    .text = 新しいパスワードでログインしてください。ほかの場所ではログアウトされました。

salesforce-connected-page =
    .title = Salesforce に接続しました
    .text = テスト呼び出しに成功しました。このウィンドウを閉じて、設定を続けてください。

salesforce-needs-attention-page =
    .title = Salesforce の確認が必要です
    .text = 認可は完了しましたが、テスト呼び出しに失敗しました（英語）:

## Problems

problem-link-unknown =
    .title = この有効化リンクは登録されていません
    .text = 最新の招待メッセージのリンクを、変更せずに使用してください。

problem-link-used =
    .title = この有効化リンクは使用済みです
    .text = ご自身で使用した場合は、ログインしてください。

problem-link-expired =
    .title = この有効化リンクは期限切れです
    .text = 招待した方に、新しい招待を依頼してください。

problem-link-revoked =
    .title = この招待は取り消されました
    .text = 誤りと思われる場合は、招待した方にお問い合わせください。

problem-link-replaced =
    .title = 新しいリンクが発行されています
    .text = より新しいメッセージに有効なリンクがあります。そちらを開いてください。

problem-password-activation-off =
    .title = この有効化方法は無効になっています
    .text = Salesforce にログインして、アカウントを有効にしてください。

problem-email-mismatch =
    .title = Salesforce ユーザーのメールアドレスが異なります
    .text = 招待は別のアドレスに送信されました。招待されたメールアドレスのユーザーとして Salesforce にログインしてから、もう一度リンクを開いてください。

problem-reset-link-unusable =
    .title = このリンクは使用できません
    .text = 登録されていないか、使用済みか、発行から 1 時間を過ぎています。新しいリンクを要求してください。

problem-password-login-off =
    .title = パスワードによるログインは無効になっています
    .text = ここでは Salesforce によるログインのみ許可されています。Salesforce にログインしてください。

problem-authorization-state-invalid =
    .title = この認可を完了できません
    .text = このブラウザーで開始されていないか、すでに完了しているか、開始から 10 分を過ぎています。もう一度やり直してください。

problem-session-required =
    .title = 先にログインしてください
    .text = この認可は、このブラウザーでログインしていないメンバーのものです。ここでログインしてから、もう一度やり直してください。

problem-authorization-denied =
    .title = 認可が拒否されました
    .text = 許可する場合は、もう一度やり直してください。理由（英語）: { $detail }

problem-salesforce-not-configured =
    .title = このサービスの Salesforce アプリが設定されていません
    .text = このサービスの運用者にお問い合わせください。

problem-unavailable =
    .title = サービスは現在応答できません
    .text = 数秒後にもう一度お試しください。

problem-internal =
    .title = サービス側で問題が発生しました
    .text = もう一度お試しください。再び発生する場合は、このサービスの運用者にお問い合わせください。

problem-password-length =
    .title = このパスワードは使用できません
    .text = パスワードが短すぎるか、長すぎます。

problem-password-guessable =
    .title = このパスワードは推測されやすすぎます
    .text = 最初に試されるパスワードの 1 つです。互いに関係のない単語をいくつか組み合わせるか、プログラムで生成してください。

problem-salesforce-host =
    .title = このアドレスは Salesforce のものではありません
    .text = 私のドメインのアドレスを入力してください（例: acme.my.salesforce.com）。

problem-other =
    .title = 処理できませんでした
    .text = 発生した問題（英語）: { $detail }
