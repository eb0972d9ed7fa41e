namespace Troupe.Messages.Api.KubeVirt.Vocabulary;

/// <summary>Where the control plane keeps what a guest's service goes by when the cluster calls it over VSOCK. KubeVirt's names.</summary>
public static class VsockCertificates
{
    public const string ClientSecret = "kubevirt-virt-handler-vsock-client-certs";
    public const string CertificateKey = "tls.crt";
    public const string PrivateKey = "tls.key";
    public const string AuthorityMap = "kubevirt-ca";
    public const string BundleKey = "ca-bundle";

    /// <summary>Guests look at the beginning, `kubevirt.io:system:client`.</summary>
    public const string CommonName = "kubevirt.io:system:client:vsock";
}
