internal import Octets

/// The currency codes of ISO 4217 (list one, 2025), those of funds, metals and tests included.
public enum Currencies {
  public static func isCode(_ text: RawSpan) -> Bool {
    guard text.byteCount == 3 else { return false }
    let code = [text.planByte(0), text.planByte(1), text.planByte(2)]
    return codes.contains(code)
  }

  private static let codes = Set(list.split(separator: " ").map { Array($0.utf8) })

  private static let list = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE \
    CHF CHW CLF CLP CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ \
    GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL \
    LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR \
    PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY \
    TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF \
    XPD XPF XPT XSU XTS XUA YER ZAR ZMW ZWG XXX
    """
}
