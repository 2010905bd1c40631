use super::Met;

/// Title and text in Korean.
pub(super) fn told(met: Met) -> (&'static str, &'static str) {
    match met {
        Met::LinkUnknown => ("알 수 없는 활성화 링크입니다", "가장 최근 초대 메시지의 링크를 변경하지 말고 사용하십시오."),
        Met::LinkUsed => ("이미 사용된 활성화 링크입니다", "본인이 사용했다면 로그인하십시오."),
        Met::LinkExpired => ("만료된 활성화 링크입니다", "초대한 사람에게 새 초대를 요청하십시오."),
        Met::LinkRevoked => ("취소된 초대입니다", "실수라고 생각되면 초대한 사람에게 문의하십시오."),
        Met::LinkReplaced => ("더 새로운 링크가 있습니다", "더 최근 메시지에 유효한 다른 링크가 있습니다. 그 링크를 여십시오."),
        Met::OnlySalesforceActivates => ("이 활성화 방법은 꺼져 있습니다", "Salesforce에 로그인하여 계정을 활성화하십시오."),
        Met::OtherAddress => (
            "Salesforce 사용자의 이메일 주소가 다릅니다",
            "초대는 다른 주소로 전송되었습니다. 초대된 이메일 주소의 사용자로 Salesforce에 로그인한 다음 링크를 다시 여십시오.",
        ),
        Met::ResetLinkUnusable => {
            ("이 링크는 사용할 수 없습니다", "알 수 없거나 이미 사용되었거나 한 시간이 지난 링크입니다. 새 링크를 요청하십시오.")
        }
        Met::PasswordsSwitchedOff => {
            ("비밀번호 로그인이 꺼져 있습니다", "여기서는 Salesforce 로그인만 허용됩니다. Salesforce에 로그인하십시오.")
        }
        Met::AuthorizationNotBegun => (
            "이 권한 부여를 완료할 수 없습니다",
            "이 브라우저에서 시작되지 않았거나 이미 완료되었거나 10분이 지났습니다. 다시 시작하십시오.",
        ),
        Met::SessionMissing => (
            "먼저 로그인하십시오",
            "이 권한 부여는 이 브라우저에 로그인하지 않은 구성원의 것입니다. 여기에서 로그인한 후 다시 시작하십시오.",
        ),
        Met::AuthorizationRefused => ("권한 부여가 거부되었습니다", "허용하려면 다시 시작하십시오. 이유(영어):"),
        Met::SalesforceNotConfigured => ("이 서비스의 Salesforce 앱이 설정되지 않았습니다", "이 서비스의 운영자에게 문의하십시오."),
        Met::Unavailable => ("서비스가 지금 응답할 수 없습니다", "몇 초 후에 다시 시도하십시오."),
        Met::Fault => ("서비스에 문제가 발생했습니다", "다시 시도하십시오. 다시 발생하면 이 서비스의 운영자에게 문의하십시오."),
        Met::PasswordTooShortOrLong => ("이 비밀번호는 사용할 수 없습니다", "비밀번호가 너무 짧거나 너무 깁니다."),
        Met::PasswordGuessable => (
            "추측하기 너무 쉬운 비밀번호입니다",
            "가장 먼저 시도되는 비밀번호 중 하나입니다. 서로 관련 없는 단어 여러 개를 사용하거나 프로그램으로 생성하십시오.",
        ),
        Met::NoSalesforceHost => ("Salesforce의 주소가 아닙니다", "내 도메인 주소를 입력하십시오(예: acme.my.salesforce.com)."),
        Met::Other => ("작업이 완료되지 않았습니다", "발생한 문제(영어):"),
    }
}
