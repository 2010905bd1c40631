//! What people see who come back from Salesforce.

use crate::connections::TestResult;
use crate::http::Page;
use crate::language::Language;

/// The page of somebody who has connected Salesforce, and what a test call came to.
pub(super) fn connected(result: &TestResult, language: Language) -> Page {
    if result.ok {
        let (title, text) = works(language);
        return Page::text(language, title, [text.to_owned()]);
    }
    let (title, text) = needs_attention(language);
    // Salesforce's words, and what is said about them, are in English.
    let said = [result.message.clone(), result.what_to_do.clone()].into_iter().flatten();
    Page::text(language, title, std::iter::once(text.to_owned()).chain(said))
}

fn works(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::En => ("Salesforce is connected", "A test call succeeded. You can close this window and go on with the set-up."),
        Language::De => (
            "Salesforce ist verbunden",
            "Ein Testaufruf war erfolgreich. Sie können dieses Fenster schließen und mit der Einrichtung fortfahren.",
        ),
        Language::Fr => {
            ("Salesforce est connecté", "Un appel de test a réussi. Vous pouvez fermer cette fenêtre et poursuivre la configuration.")
        }
        Language::Es => (
            "Salesforce está conectado",
            "Una llamada de prueba se ha completado. Puede cerrar esta ventana y continuar con la configuración.",
        ),
        Language::It => {
            ("Salesforce è connesso", "Una chiamata di prova è riuscita. Puoi chiudere questa finestra e continuare con la configurazione.")
        }
        Language::Pt => (
            "O Salesforce está conectado",
            "Uma chamada de teste foi bem-sucedida. Você pode fechar esta janela e continuar a configuração.",
        ),
        Language::Ja => ("Salesforce に接続しました", "テスト呼び出しに成功しました。このウィンドウを閉じて、設定を続けてください。"),
        Language::Ko => ("Salesforce가 연결되었습니다", "테스트 호출에 성공했습니다. 이 창을 닫고 설정을 계속하십시오."),
        Language::Zh => ("Salesforce 已连接", "测试调用成功。您可以关闭此窗口并继续设置。"),
    }
}

fn needs_attention(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::En => ("Salesforce needs attention", "The authorization is complete, but a test call failed:"),
        Language::De => (
            "Salesforce braucht Ihre Aufmerksamkeit",
            "Die Autorisierung ist abgeschlossen, aber ein Testaufruf ist fehlgeschlagen (auf Englisch):",
        ),
        Language::Fr => {
            ("Salesforce demande votre attention", "L'autorisation est terminée, mais un appel de test a échoué (en anglais)\u{a0}:")
        }
        Language::Es => {
            ("Salesforce requiere atención", "La autorización se ha completado, pero una llamada de prueba ha fallado (en inglés):")
        }
        Language::It => {
            ("Salesforce richiede attenzione", "L'autorizzazione è completa, ma una chiamata di prova non è riuscita (in inglese):")
        }
        Language::Pt => ("O Salesforce requer atenção", "A autorização foi concluída, mas uma chamada de teste falhou (em inglês):"),
        Language::Ja => ("Salesforce の確認が必要です", "認可は完了しましたが、テスト呼び出しに失敗しました（英語）:"),
        Language::Ko => ("Salesforce를 확인해야 합니다", "권한 부여는 완료되었지만 테스트 호출에 실패했습니다(영어):"),
        Language::Zh => ("需要检查 Salesforce", "授权已完成，但测试调用失败（英文）："),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_language_has_every_text_of_its_own() {
        let mut seen = HashSet::new();
        for language in Language::ALL {
            for (title, text) in [works(language), needs_attention(language)] {
                assert!(seen.insert(title) && seen.insert(text), "{language:?} has texts of its own: {title} {text}");
            }
        }
    }
}
