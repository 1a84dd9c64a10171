"""Every product, a package or a module each.

A new product is one more name here. The front finds it by its host names; fault rules,
dead regions, throttling, counts and events then go by its name and its region.
"""

from alicloud_emulator.products import ecs, fc, kms, location, oss, ram, sts, vpc
from alicloud_emulator.products.product import Product

_LOCATED = (
    oss.PRODUCT,
    ecs.PRODUCT,
    fc.PRODUCT,
    ram.PRODUCT,
    sts.PRODUCT,
    kms.PRODUCT,
    vpc.PRODUCT,
)

PRODUCTS: tuple[Product, ...] = (*_LOCATED, location.product(_LOCATED))

BY_NAME = {product.name: product for product in PRODUCTS}
