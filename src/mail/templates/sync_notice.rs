use serde::{Deserialize, Serialize};

use super::MailContent;
use crate::language::Language;

/// What is said of a sync that has ended. Figures only: no person is named.
#[derive(Clone, Serialize, Deserialize)]
pub struct SyncNoticeMail {
    /// What the instance is called.
    pub instance: String,
    /// The run's id.
    pub run: String,
    /// Why it failed; none when it is complete.
    pub failure: Option<SyncFailureText>,
    /// How many people were what.
    pub counts: SyncCounts,
}

/// Why a sync failed, as the API tells it: in English, since much of it is the vendors' own words.
#[derive(Clone, Serialize, Deserialize)]
pub struct SyncFailureText {
    /// What happened.
    pub what: String,
    /// What to do about it.
    pub what_to_do: String,
}

/// How many people a sync did what with.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct SyncCounts {
    /// Read from Marketo.
    pub read: i64,
    /// Have an owner in Salesforce.
    pub qualified: i64,
    /// Were not here before.
    pub added: i64,
    /// Have a changed field or owner.
    pub changed: i64,
    /// Were here already, just so.
    pub unchanged: i64,
    /// Don't qualify any more.
    pub removed: i64,
    /// Rows that can't be used.
    pub rejected: i64,
}

impl SyncNoticeMail {
    pub(super) fn content(&self, language: Language) -> MailContent {
        let instance = self.instance.as_str();
        let (subject, greeting, ending) = match &self.failure {
            None => complete(language, instance),
            Some(_) => failed(language, instance),
        };
        let mut before = vec![ending];
        if let Some(failure) = &self.failure {
            let (what, what_to_do) = introductions(language);
            before.extend([format!("{what} {}", failure.what), format!("{what_to_do} {}", failure.what_to_do)]);
        }
        before.extend(self.counts.lines(language));
        MailContent { subject, greeting: greeting.into(), before, note: Some(run(language, &self.run)), ..MailContent::default() }
    }
}

/// Subject, greeting and first sentence about a sync that is complete.
fn complete(language: Language, instance: &str) -> (String, &'static str, String) {
    match language {
        Language::En => {
            (format!("The people sync of {instance} is complete"), "Hello,", format!("the people sync of {instance} is complete."))
        }
        Language::De => (
            format!("Die Personensynchronisierung von {instance} ist abgeschlossen"),
            "Guten Tag,",
            format!("die Personensynchronisierung von {instance} ist abgeschlossen."),
        ),
        Language::Fr => (
            format!("La synchronisation des personnes de {instance} est terminée"),
            "Bonjour,",
            format!("la synchronisation des personnes de {instance} est terminée."),
        ),
        Language::Es => (
            format!("La sincronización de personas de {instance} ha terminado"),
            "Hola:",
            format!("La sincronización de personas de {instance} ha terminado."),
        ),
        Language::It => (
            format!("La sincronizzazione delle persone di {instance} è completa"),
            "Buongiorno,",
            format!("la sincronizzazione delle persone di {instance} è completa."),
        ),
        Language::Pt => (
            format!("A sincronização de pessoas de {instance} foi concluída"),
            "Olá,",
            format!("A sincronização de pessoas de {instance} foi concluída."),
        ),
        Language::Ja => {
            (format!("{instance} の人物の同期が完了しました"), "こんにちは。", format!("{instance} の人物の同期が完了しました。"))
        }
        Language::Ko => {
            (format!("{instance}의 사용자 동기화가 완료되었습니다"), "안녕하세요.", format!("{instance}의 사용자 동기화가 완료되었습니다."))
        }
        Language::Zh => (format!("{instance} 的人员同步已完成"), "您好！", format!("{instance} 的人员同步已完成。")),
    }
}

/// Subject, greeting and first sentence about a sync that failed.
fn failed(language: Language, instance: &str) -> (String, &'static str, String) {
    match language {
        Language::En => (format!("The people sync of {instance} failed"), "Hello,", format!("the people sync of {instance} failed.")),
        Language::De => (
            format!("Die Personensynchronisierung von {instance} ist fehlgeschlagen"),
            "Guten Tag,",
            format!("die Personensynchronisierung von {instance} ist fehlgeschlagen."),
        ),
        Language::Fr => (
            format!("La synchronisation des personnes de {instance} a échoué"),
            "Bonjour,",
            format!("la synchronisation des personnes de {instance} a échoué."),
        ),
        Language::Es => (
            format!("La sincronización de personas de {instance} ha fallado"),
            "Hola:",
            format!("La sincronización de personas de {instance} ha fallado."),
        ),
        Language::It => (
            format!("La sincronizzazione delle persone di {instance} non è riuscita"),
            "Buongiorno,",
            format!("la sincronizzazione delle persone di {instance} non è riuscita."),
        ),
        Language::Pt => (
            format!("A sincronização de pessoas de {instance} falhou"),
            "Olá,",
            format!("A sincronização de pessoas de {instance} falhou."),
        ),
        Language::Ja => {
            (format!("{instance} の人物の同期に失敗しました"), "こんにちは。", format!("{instance} の人物の同期に失敗しました。"))
        }
        Language::Ko => {
            (format!("{instance}의 사용자 동기화에 실패했습니다"), "안녕하세요.", format!("{instance}의 사용자 동기화에 실패했습니다."))
        }
        Language::Zh => (format!("{instance} 的人员同步失败"), "您好！", format!("{instance} 的人员同步失败。")),
    }
}

/// What stands before the English texts of a failure: what happened, and what to do.
fn introductions(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::En => ("What happened:", "What to do:"),
        Language::De => ("Was geschehen ist (auf Englisch):", "Was zu tun ist (auf Englisch):"),
        Language::Fr => ("Ce qui s'est passé (en anglais)\u{a0}:", "Ce qu'il faut faire (en anglais)\u{a0}:"),
        Language::Es => ("Qué ha ocurrido (en inglés):", "Qué hacer (en inglés):"),
        Language::It => ("Che cosa è successo (in inglese):", "Che cosa fare (in inglese):"),
        Language::Pt => ("O que aconteceu (em inglês):", "O que fazer (em inglês):"),
        Language::Ja => ("発生した問題（英語）:", "対処方法（英語）:"),
        Language::Ko => ("발생한 문제(영어):", "조치 방법(영어):"),
        Language::Zh => ("发生的问题（英文）：", "处理方法（英文）："),
    }
}

/// Which run it was.
fn run(language: Language, id: &str) -> String {
    match language {
        Language::En => format!("Run {id}"),
        Language::De => format!("Lauf {id}"),
        Language::Fr => format!("Exécution {id}"),
        Language::Es => format!("Ejecución {id}"),
        Language::It => format!("Esecuzione {id}"),
        Language::Pt => format!("Execução {id}"),
        Language::Ja => format!("実行 {id}"),
        Language::Ko => format!("실행 {id}"),
        Language::Zh => format!("运行 {id}"),
    }
}

impl SyncCounts {
    /// A line for each figure. The name comes first, so that no language has to bend it to the number.
    fn lines(&self, language: Language) -> [String; 7] {
        let names = match language {
            Language::En => ["Read from Marketo", "Qualified", "Added", "Changed", "Unchanged", "Removed", "Rows that could not be used"],
            Language::De => {
                ["Aus Marketo gelesen", "Qualifiziert", "Hinzugefügt", "Geändert", "Unverändert", "Entfernt", "Nicht verwendbare Zeilen"]
            }
            Language::Fr => {
                ["Lues dans Marketo", "Qualifiées", "Ajoutées", "Modifiées", "Inchangées", "Supprimées", "Lignes inutilisables"]
            }
            Language::Es => {
                ["Leídas de Marketo", "Cualificadas", "Añadidas", "Modificadas", "Sin cambios", "Eliminadas", "Filas no utilizables"]
            }
            Language::It => ["Lette da Marketo", "Qualificate", "Aggiunte", "Modificate", "Invariate", "Rimosse", "Righe non utilizzabili"],
            Language::Pt => {
                ["Lidas do Marketo", "Qualificadas", "Adicionadas", "Alteradas", "Inalteradas", "Removidas", "Linhas não utilizáveis"]
            }
            Language::Ja => ["Marketo から読み込み", "対象", "追加", "変更", "変更なし", "削除", "使用できない行"],
            Language::Ko => ["Marketo에서 읽음", "대상", "추가됨", "변경됨", "변경 없음", "제거됨", "사용할 수 없는 행"],
            Language::Zh => ["从 Marketo 读取", "符合条件", "已添加", "已更改", "未更改", "已移除", "无法使用的行"],
        };
        let counts = [self.read, self.qualified, self.added, self.changed, self.unchanged, self.removed, self.rejected];
        let colon = match language {
            Language::Fr => "\u{a0}: ",
            Language::Zh => "：",
            _ => ": ",
        };
        std::array::from_fn(|at| format!("{}{colon}{}", names[at], counts[at]))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use time::macros::datetime;
    use uuid::Uuid;

    use super::*;
    use crate::mail::{MailTemplate, Message};

    fn written(language: Language, failure: Option<SyncFailureText>) -> Message {
        let counts = SyncCounts { read: 1201, qualified: 1302, added: 1403, changed: 1504, unchanged: 1605, removed: 1706, rejected: 1807 };
        let template = SyncNoticeMail { instance: "Acme & Söhne".into(), run: "run-17".into(), failure, counts };
        MailTemplate::SyncNotice(template).message(Uuid::nil(), "a@example.com", language, datetime!(2026-03-09 07:05 UTC)).unwrap()
    }

    fn failure() -> SyncFailureText {
        SyncFailureText { what: "Marketo's day is used up.".into(), what_to_do: "Wait until midnight.".into() }
    }

    #[test]
    fn each_language_names_the_instance_the_run_and_every_figure() {
        let mut subjects = HashSet::new();
        for (language, failure) in Language::ALL.into_iter().flat_map(|one| [(one, None), (one, Some(failure()))]) {
            let failed = failure.is_some();
            let message = written(language, failure);
            for part in ["Acme & Söhne", "run-17", "1201", "1302", "1403", "1504", "1605", "1706", "1807"] {
                assert!(message.text.contains(part), "{part:?} is missing in {}", message.text);
            }
            for part in ["Marketo's day is used up.", "Wait until midnight."] {
                assert_eq!(message.text.contains(part), failed, "{}", message.text);
            }
            assert!(!message.text.contains(['{', '}']) && !message.html.contains("{{"), "{}", message.text);
            assert!(subjects.insert(message.subject), "{language:?} has subjects of its own");
        }
    }

    #[test]
    fn a_language_is_told_that_the_reason_is_in_english() {
        let german = written(Language::De, Some(failure()));
        assert_eq!(german.subject, "Die Personensynchronisierung von Acme & Söhne ist fehlgeschlagen");
        for line in ["Was geschehen ist (auf Englisch): Marketo's day is used up.", "Hinzugefügt: 1403", "Unverändert: 1605", "Lauf run-17"]
        {
            assert!(german.text.contains(line), "{line:?} is missing in {}", german.text);
        }
        let english = written(Language::En, Some(failure()));
        assert!(english.text.contains("What to do: Wait until midnight."), "{}", english.text);
    }
}
