use super::Met;

/// Title and text in Japanese.
pub(super) fn told(met: Met) -> (&'static str, &'static str) {
    match met {
        Met::LinkUnknown => ("この有効化リンクは登録されていません", "最新の招待メッセージのリンクを、変更せずに使用してください。"),
        Met::LinkUsed => ("この有効化リンクは使用済みです", "ご自身で使用した場合は、ログインしてください。"),
        Met::LinkExpired => ("この有効化リンクは期限切れです", "招待した方に、新しい招待を依頼してください。"),
        Met::LinkRevoked => ("この招待は取り消されました", "誤りと思われる場合は、招待した方にお問い合わせください。"),
        Met::LinkReplaced => ("新しいリンクが発行されています", "より新しいメッセージに有効なリンクがあります。そちらを開いてください。"),
        Met::OnlySalesforceActivates => {
            ("この有効化方法は無効になっています", "Salesforce にログインして、アカウントを有効にしてください。")
        }
        Met::OtherAddress => (
            "Salesforce ユーザーのメールアドレスが異なります",
            "招待は別のアドレスに送信されました。招待されたメールアドレスのユーザーとして Salesforce にログインしてから、もう一度リンクを開いてください。",
        ),
        Met::ResetLinkUnusable => (
            "このリンクは使用できません",
            "登録されていないか、使用済みか、発行から 1 時間を過ぎています。新しいリンクを要求してください。",
        ),
        Met::PasswordsSwitchedOff => (
            "パスワードによるログインは無効になっています",
            "ここでは Salesforce によるログインのみ許可されています。Salesforce にログインしてください。",
        ),
        Met::AuthorizationNotBegun => (
            "この認可を完了できません",
            "このブラウザーで開始されていないか、すでに完了しているか、開始から 10 分を過ぎています。もう一度やり直してください。",
        ),
        Met::AuthorizationRefused => ("認可が拒否されました", "許可する場合は、もう一度やり直してください。理由（英語）:"),
        Met::SalesforceNotConfigured => {
            ("このサービスの Salesforce アプリが設定されていません", "このサービスの運用者にお問い合わせください。")
        }
        Met::Unavailable => ("サービスは現在応答できません", "数秒後にもう一度お試しください。"),
        Met::Fault => {
            ("サービス側で問題が発生しました", "もう一度お試しください。再び発生する場合は、このサービスの運用者にお問い合わせください。")
        }
        Met::PasswordTooShortOrLong => ("このパスワードは使用できません", "パスワードが短すぎるか、長すぎます。"),
        Met::PasswordGuessable => (
            "このパスワードは推測されやすすぎます",
            "最初に試されるパスワードの 1 つです。互いに関係のない単語をいくつか組み合わせるか、プログラムで生成してください。",
        ),
        Met::NoSalesforceHost => {
            ("このアドレスは Salesforce のものではありません", "私のドメインのアドレスを入力してください（例: acme.my.salesforce.com）。")
        }
        Met::Other => ("処理できませんでした", "発生した問題（英語）:"),
    }
}
