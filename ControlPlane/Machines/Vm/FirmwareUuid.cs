using System.Security.Cryptography;
using System.Text;

namespace Troupe.ControlPlane.Machines.Vm;

/// <summary>The SMBIOS UUID of machines that carry none: name-based (RFC 9562, version 5), in KubeVirt's namespace.</summary>
public static class FirmwareUuid
{
    private static readonly byte[] Namespace = Guid.Parse("6a1a24a1-4061-4607-8bf4-a3963d0c5895").ToByteArray(bigEndian: true);

#pragma warning disable CA5350 // Version 5 is defined by SHA-1; nothing is secured by it.
    public static Guid OfName(string name)
    {
        var hash = SHA1.HashData([.. Namespace, .. Encoding.UTF8.GetBytes(name)]).AsSpan(0, 16);
        hash[6] = (byte)((hash[6] & 0x0f) | 0x50);
        hash[8] = (byte)((hash[8] & 0x3f) | 0x80);
        return new Guid(hash, bigEndian: true);
    }
#pragma warning restore CA5350
}
