using System.Formats.Tar;
using System.Security.Cryptography;
using System.Text.Json;

namespace Troupe.DevCluster.Tests.Nodes;

/// <summary>An OCI layout with nothing in it but Debian's static busybox: the tiny image that test pods run.</summary>
internal static class BusyboxImage
{
    public const string Name = "registry.test/busybox:1";

    private static readonly string[] Applets =
    [
        "sh", "cat", "echo", "sleep", "ls", "mkdir", "rm", "touch", "stat", "id", "test", "true", "false", "nc", "wget", "httpd", "env", "hostname", "tail", "head",
        "dd", "blockdev", "tar", "kill", "trap", "date", "mount", "df", "grep", "nslookup", "stty", "tr", "sed", "wc", "chmod", "seq", "ln", "cp", "printf", "readlink", "ps", "ip", "md5sum",
    ];

    public static void Write(string store)
    {
        var layout = $"{store}/busybox";
        Directory.CreateDirectory($"{layout}/blobs/sha256");
        var layer = $"{layout}/layer.tar";
        using (var writer = new TarWriter(File.Create(layer)))
        {
            foreach (var directory in new[] { "bin", "etc", "tmp", "proc", "sys", "dev", "root" })
                writer.WriteEntry(new PaxTarEntry(TarEntryType.Directory, directory) { Mode = directory == "tmp" ? (UnixFileMode)0b1_111_111_111 : (UnixFileMode)0b111_101_101 });
            writer.WriteEntry("/bin/busybox", "bin/busybox");
            foreach (var applet in Applets) writer.WriteEntry(new PaxTarEntry(TarEntryType.SymbolicLink, $"bin/{applet}") { LinkName = "busybox", Mode = (UnixFileMode)0b111_111_111 });
        }
        var diff = Blob(layout, File.ReadAllBytes(layer), out var layerSize);
        File.Delete(layer);
        var config = Blob(layout, new
        {
            architecture = "amd64",
            os = "linux",
            config = new { Env = new[] { "PATH=/bin" }, Cmd = new[] { "sh" } },
            rootfs = new { type = "layers", diff_ids = new[] { diff } },
        }, out var configSize);
        var manifest = Blob(layout, new
        {
            schemaVersion = 2,
            mediaType = "application/vnd.oci.image.manifest.v1+json",
            config = new { mediaType = "application/vnd.oci.image.config.v1+json", digest = config, size = configSize },
            layers = new[] { new { mediaType = "application/vnd.oci.image.layer.v1.tar", digest = diff, size = layerSize } },
        }, out var manifestSize);
        File.WriteAllText($"{layout}/index.json", JsonSerializer.Serialize(new
        {
            schemaVersion = 2,
            manifests = new[]
            {
                new
                {
                    mediaType = "application/vnd.oci.image.manifest.v1+json",
                    digest = manifest,
                    size = manifestSize,
                    annotations = new Dictionary<string, string> { ["org.opencontainers.image.ref.name"] = Name },
                },
            },
        }));
        File.WriteAllText($"{layout}/oci-layout", """{"imageLayoutVersion":"1.0.0"}""");
    }

    private static string Blob(string layout, object value, out long size) => Blob(layout, JsonSerializer.SerializeToUtf8Bytes(value), out size);

    private static string Blob(string layout, byte[] bytes, out long size)
    {
        var digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
        File.WriteAllBytes($"{layout}/blobs/sha256/{digest}", bytes);
        size = bytes.Length;
        return "sha256:" + digest;
    }
}
