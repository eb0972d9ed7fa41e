using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Troupe.DevCluster.Security;

/// <summary>All keys of one cluster, in <c>STATE/pki</c>.</summary>
internal sealed class Pki
{
    public Pki(string directory, IReadOnlyList<string> extraHosts)
    {
        Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Path = directory;
        Authority = new CertificateAuthority(directory, "ca", "devcluster-ca");
        FrontProxyAuthority = new CertificateAuthority(directory, "front-proxy-ca", "devcluster-front-proxy-ca");
        Server = Authority.Leaf(directory, "apiserver", CertificateAuthority.Subject("kube-apiserver"), server: true,
        [
            "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
            IPAddress.Loopback.ToString(), IPAddress.IPv6Loopback.ToString(), "10.96.0.1", .. extraHosts,
        ]);
        FrontProxyClient = FrontProxyAuthority.Leaf(directory, "front-proxy-client", CertificateAuthority.Subject("front-proxy-client"), server: false, []);
        Admin = Authority.Leaf(directory, "admin", CertificateAuthority.Subject("kubernetes-admin", "system:masters"), server: false, []);
        AdminToken = Token("admin.token");
        ServiceAccountKey = LoadKey(System.IO.Path.Combine(directory, "sa.key"));
    }

    public string Path { get; }

    public CertificateAuthority Authority { get; }

    public CertificateAuthority FrontProxyAuthority { get; }

    public X509Certificate2 Server { get; }

    public X509Certificate2 FrontProxyClient { get; }

    public X509Certificate2 Admin { get; }

    /// <summary>Bearer token of kubernetes-admin, for tools that can't use a client certificate.</summary>
    public string AdminToken { get; }

    public ECDsa ServiceAccountKey { get; }

    public string Kubeconfig(string url)
    {
        static string Data(string pem) => Convert.ToBase64String(Encoding.ASCII.GetBytes(pem));
        var key = File.ReadAllText(System.IO.Path.Combine(Path, "admin.key"));
        return $"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: devcluster
              cluster:
                server: {url}
                certificate-authority-data: {Data(Authority.Pem)}
            users:
            - name: kubernetes-admin
              user:
                client-certificate-data: {Data(Admin.ExportCertificatePem())}
                client-key-data: {Data(key)}
            contexts:
            - name: devcluster
              context:
                cluster: devcluster
                user: kubernetes-admin
            current-context: devcluster

            """;
    }

    private string Token(string name)
    {
        var file = System.IO.Path.Combine(Path, name);
        if (!File.Exists(file))
            PrivateFile.Write(file, Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32)));
        return File.ReadAllText(file).Trim();
    }

    private static ECDsa LoadKey(string file)
    {
        if (!File.Exists(file))
        {
            using var made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            PrivateFile.Write(file, made.ExportPkcs8PrivateKeyPem());
        }
        var key = ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(file));
        return key;
    }
}
